#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "admin/control.hpp"

namespace linkd::test {

// A daemon that does nothing but note its orders, with links that are JSON objects in memory.
struct fake_control : admin::control {
  using done = admin::outcome<admin::done>;

  std::optional<boost::json::object> settings(const std::string& link) override {
    const auto found = links.find(link);
    if (found == links.end()) return std::nullopt;
    return found->second;
  }
  std::string etag(const std::string& link) override {
    return links.contains(link) ? "\"" + link + "-1\"" : "";
  }
  done create(const std::string& link, const boost::json::object& what) override {
    return order("create " + link, link, what, false);
  }
  done replace(const std::string& link, const boost::json::object& what) override {
    return order("replace " + link, link, what, true);
  }
  done enable(const std::string& link, bool enabled) override {
    return order((enabled ? "enable " : "disable ") + link, link, std::nullopt, true);
  }
  done remove(const std::string& link) override {
    auto outcome = order("remove " + link, link, std::nullopt, true);
    links.erase(link);
    return outcome;
  }
  result<void> pause(const std::string& link) override { return simple("pause", link); }
  result<void> resume(const std::string& link) override { return simple("resume", link); }
  result<std::uint64_t> purge(const std::string& link) override {
    if (const auto known = simple("purge", link); !known) return known.error();
    return std::uint64_t{12};
  }
  result<void> test(const std::string& link,
                    std::function<void(link::reach_report)> report) override {
    if (tested) return error{errc::unavailable, "a test is running"};
    tested = std::move(report);
    return simple("test", link);
  }
  result<link::link_interest> interest(const std::string& link) override {
    if (const auto known = simple("interest", link); !known) return known.error();
    return link::link_interest{{"a", "b", "c"}, {"b"}, {"d"}};
  }
  result<link::explanation> explain(const std::string& topic) override {
    orders.push_back("explain " + topic);
    if (topic == "#") return error{errc::invalid, "no wildcards"};
    return link::explanation{topic, {}, {}};
  }
  admin::reload_report reload() override {
    orders.push_back("reload");
    return {true, links.size(), {}, {}, {"listen"}};
  }

  std::map<std::string, boost::json::object> links;
  std::vector<std::string> orders;
  std::optional<admin::failure> fails;
  std::function<void(link::reach_report)> tested;

 private:
  done order(std::string what, const std::string& link,
             const std::optional<boost::json::object>& settings, bool must_exist) {
    orders.push_back(std::move(what));
    if (fails) return *fails;
    if (must_exist && !links.contains(link)) {
      return admin::failure{errc::not_found, "there is no link named " + link, {}};
    }
    if (settings) links[link] = *settings;
    return admin::done{};
  }
  result<void> simple(const std::string& what, const std::string& link) {
    orders.push_back(what + " " + link);
    if (links.contains(link)) return {};
    return error{errc::not_found, "there is no link named " + link};
  }
};

}  // namespace linkd::test
