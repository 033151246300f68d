#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "link/environment.hpp"
#include "link/link.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::link {

struct reached_server {
  std::string server;
  bool ok = false;
  std::string message;
};

struct reach_report {
  bool ok = false;  // one server at least
  std::string message;
  std::vector<reached_server> servers;
};

// Whether the servers of a link let us in: dials one after the other until its path is up, and
// hangs up. No session is begun, and an MQTT broker sees clients of other ids than the link's, so
// nothing that runs is disturbed.
class reach_test : private path_events {
 public:
  // `events` is told when deadline() changed or the test is over; never from within on_time().
  reach_test(const environment& env, link_settings settings, link_events& events,
             std::function<void(reach_report)> done);

  void on_time();
  [[nodiscard]] std::optional<time_point> deadline() const;
  [[nodiscard]] bool is_over() const { return over_; }
  // Once, when it is over.
  void tell() { std::exchange(done_, nullptr)(std::move(report_)); }

 private:
  void on_path_up(std::size_t frame_bytes_max) override;
  void on_frame(bytes) override {}
  void on_path_room() override {}
  void on_path_down(error reason) override;

  void dial_next();
  void finish_server(bool ok, const std::string& message);

  environment env_;
  link_settings settings_;
  link_events& events_;
  std::function<void(reach_report)> done_;
  reach_report report_;
  std::unique_ptr<path> way_;
  time_point due_{};
  bool over_ = false;
};

}  // namespace linkd::link
