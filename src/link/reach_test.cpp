#include "link/reach_test.hpp"

namespace linkd::link {
namespace {

constexpr seconds server_time_max{15};

}  // namespace

reach_test::reach_test(const environment& env, link_settings settings, link_events& events,
                       std::function<void(reach_report)> done)
    : env_(env), settings_(std::move(settings)), events_(events), done_(std::move(done)) {
  settings_.client_id_prefix += ":test";
  dial_next();
}

void reach_test::dial_next() {
  if (report_.servers.size() == settings_.servers.size()) {
    report_.message =
        report_.ok ? "a server of the link can be reached" : "no server of the link can be reached";
    over_ = true;
    return;
  }
  due_ = env_.time.now() + server_time_max;
  way_ = env_.dial.dial(settings_, settings_.servers[report_.servers.size()]);
  way_->start(*this);
}

void reach_test::on_path_up(std::size_t) {
  finish_server(true, "connected and logged in");
  events_.on_link_event();
}

void reach_test::on_path_down(error reason) {
  finish_server(false, reason.text);
  events_.on_link_event();
}

void reach_test::finish_server(bool ok, const std::string& message) {
  way_.reset();
  report_.servers.push_back({to_string(settings_.servers[report_.servers.size()]), ok, message});
  report_.ok = report_.ok || ok;
  dial_next();
}

void reach_test::on_time() {
  if (over_ || env_.time.now() < due_) return;
  finish_server(
      false, "no answer within " + std::to_string(server_time_max.count()) + " s: check firewall");
}

std::optional<time_point> reach_test::deadline() const {
  if (over_) return std::nullopt;
  return due_;
}

}  // namespace linkd::link
