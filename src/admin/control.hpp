#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "admin/sources.hpp"
#include "link/deployment.hpp"
#include "mqtt_linkd/result.hpp"

// What the admin layer orders from the daemon.
namespace linkd::admin {

// Why an order was not carried out.
struct failure {
  errc code = errc::invalid;  // not_found, exists, invalid; unavailable: busy; else: not written
  std::string message;
  std::vector<problem> problems;  // of errc::invalid
};

template <class T>
using outcome = std::variant<T, failure>;

struct done {};

struct reload_report {
  bool successful = false;
  std::size_t links = 0;
  std::vector<problem> problems, warnings;
  std::vector<std::string> needs_restart;
};

// On the main thread. Names come from the network: every one that is no link's is not_found.
class control {
 public:
  virtual ~control() = default;

  // The settings of a link that runs, as API.md describes LINK, without status.
  virtual std::optional<boost::json::object> settings(const std::string& link) = 0;
  // Stands for the text of the link's file and the settings that run, with quotation marks; empty:
  // there is no such file.
  virtual std::string etag(const std::string& link) = 0;
  // Each writes the file and applies it.
  virtual outcome<done> create(const std::string& link, const boost::json::object& settings) = 0;
  virtual outcome<done> replace(const std::string& link, const boost::json::object& settings) = 0;
  virtual outcome<done> enable(const std::string& link, bool enabled) = 0;
  virtual outcome<done> remove(const std::string& link) = 0;

  // See link::deployment.
  virtual result<void> pause(const std::string& link) = 0;
  virtual result<void> resume(const std::string& link) = 0;
  virtual result<std::uint64_t> purge(const std::string& link) = 0;
  virtual result<void> test(const std::string& link,
                            std::function<void(link::reach_report)> done) = 0;
  virtual result<link::link_interest> interest(const std::string& link) = 0;
  virtual result<link::explanation> explain(const std::string& topic) = 0;

  virtual reload_report reload() = 0;
};

}  // namespace linkd::admin
