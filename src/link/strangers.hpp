#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "link/channel.hpp"
#include "link/environment.hpp"

namespace linkd::link {

// Peers that dialled us and have no link here: each is told so by name (REFUSED unknown_deployment)
// and forgotten. Bounded in number and time.
class strangers : private channel_events {
 public:
  strangers(const environment& env, std::string deployment)
      : env_(env), deployment_(std::move(deployment)) {}

  void receive(const std::string& name, std::unique_ptr<path> inbound);
  // Forgets who is done or did not speak in time.
  void on_time(time_point now);
  [[nodiscard]] std::optional<time_point> deadline() const;

 private:
  struct visitor {
    std::string name;
    channel way;
    time_point until;
    bool done = false;
  };

  void on_channel_up(channel&) override {}
  void on_channel_frame(channel& which, bytes encoded) override;
  void on_channel_room(channel&) override {}
  void on_channel_down(channel& which, const error& reason) override;
  visitor& find(const channel& which);
  // Done, and to be forgotten soon, but not within an event of its own.
  void dismiss(visitor& who);

  environment env_;
  std::string deployment_;
  std::list<visitor> visitors_;  // a channel does not move
};

}  // namespace linkd::link
