#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/control.hpp"
#include "config/config.hpp"
#include "link/deployment.hpp"

namespace linkd::daemon {

std::vector<admin::problem> as_admin_problems(const std::vector<config::problem>& found);

// What the admin API orders, carried out: settings as files of links_dir and a reload, the rest in
// the core. File access blocks, for as long as a small file takes.
class link_orders : public admin::control {
 public:
  // `core` and `in_force`, the configuration that runs, must outlive the object.
  link_orders(link::deployment& core, const config::loaded& in_force,
              std::function<admin::reload_report()> reload)
      : core_(core), in_force_(in_force), reload_(std::move(reload)) {}

  std::optional<boost::json::object> settings(const std::string& link) override;
  std::string etag(const std::string& link) override;
  admin::outcome<admin::done> create(const std::string& link,
                                     const boost::json::object& settings) override;
  admin::outcome<admin::done> replace(const std::string& link,
                                      const boost::json::object& settings) override;
  admin::outcome<admin::done> enable(const std::string& link, bool enabled) override;
  admin::outcome<admin::done> remove(const std::string& link) override;

  result<void> pause(const std::string& link) override { return core_.pause(link); }
  result<void> resume(const std::string& link) override { return core_.resume(link); }
  result<std::uint64_t> purge(const std::string& link) override { return core_.purge(link); }
  result<void> test(const std::string& link,
                    std::function<void(link::reach_report)> done) override {
    return core_.test(link, std::move(done));
  }
  result<link::link_interest> interest(const std::string& link) override {
    return core_.interest(link);
  }
  result<link::explanation> explain(const std::string& topic) override {
    return core_.explain(topic);
  }

  admin::reload_report reload() override { return reload_(); }

 private:
  [[nodiscard]] const link_settings* running(const std::string& link) const;
  // links_dir/LINK.yaml; `link` is a name.
  [[nodiscard]] std::string file_of(const std::string& link) const;
  admin::outcome<admin::done> write(const std::string& link, const std::string& old_text,
                                    const boost::json::object& wanted);

  link::deployment& core_;
  const config::loaded& in_force_;
  std::function<admin::reload_report()> reload_;
};

}  // namespace linkd::daemon
