#include "link/strangers.hpp"

#include <algorithm>

#include "mqtt_linkd/limits.hpp"
#include "wire/frame.hpp"

namespace linkd::link {
namespace {

constexpr std::size_t visitors_max = 16;

}  // namespace

void strangers::receive(const std::string& name, std::unique_ptr<path> inbound) {
  if (visitors_.size() >= visitors_max) return;
  env_.log.write(log_level::warning, "unknown_peer", name,
                 name + " dialled " + deployment_ + ", which has no link of that name");
  visitors_.push_back({name, channel(session::role::acceptor, *this),
                       env_.time.now() + limits::handshake_timeout, false});
  visitors_.back().way.open(std::move(inbound));
}

void strangers::on_channel_frame(channel& which, bytes encoded) {
  visitor& who = find(which);
  const auto frame = wire::decode(encoded);
  if (!who.done && frame && std::holds_alternative<wire::hello>(frame->body)) {
    const wire::refused answer{wire::refusal::unknown_deployment,
                               deployment_ + " has no link named " + who.name};
    which.way().send(wire::encode({frame->session, answer}), path::lane::control);
  }
  dismiss(who);
}

void strangers::on_channel_down(channel& which, const error&) {
  dismiss(find(which));
}

strangers::visitor& strangers::find(const channel& which) {
  return *std::find_if(visitors_.begin(), visitors_.end(),
                       [&](const visitor& each) { return &each.way == &which; });
}

void strangers::dismiss(visitor& who) {
  who.done = true;
  who.until = std::min(who.until, env_.time.now() + seconds(1));
}

void strangers::on_time(time_point now) {
  visitors_.remove_if([&](const visitor& each) { return each.until <= now; });
}

std::optional<time_point> strangers::deadline() const {
  std::optional<time_point> next;
  for (const visitor& each : visitors_) next = next ? std::min(*next, each.until) : each.until;
  return next;
}

}  // namespace linkd::link
