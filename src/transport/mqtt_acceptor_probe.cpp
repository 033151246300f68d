// The part of mqtt_acceptor that finds out whether the broker carries our topics at all.
#include <utility>

#include "mqtt_linkd/mqtt_reason.hpp"
#include "transport/control_topic.hpp"
#include "transport/mqtt_acceptor.hpp"
#include "transport/publishing.hpp"

namespace linkd::transport {
namespace {

constexpr seconds probe_timeout{10};

}  // namespace

// Some brokers acknowledge a publish to a topic that begins with $ and drop it: so we send
// ourselves something where peers send their frames.
void mqtt_acceptor::probe() {
  bool all = true;
  for (const auto& prefix : prefixes_) {
    if (proofs_.try_emplace(prefix, proof::awaited).first->second == proof::here) continue;
    all = false;
    message what;
    what.topic = control_topic(prefix, deployment_, deployment_);
    what.qos = 1;
    if (const auto id = client_->publish(what)) probing_[*id] = prefix;
  }
  if (!all) arm_timer(probe_timeout);
}

bool mqtt_acceptor::take_probe(const std::string& topic) {
  for (const auto& prefix : prefixes_) {
    if (topic != control_topic(prefix, deployment_, deployment_)) continue;
    on_probe(prefix);
    return true;
  }
  return false;
}

void mqtt_acceptor::on_probe(const std::string& prefix) {
  const auto found = proofs_.find(prefix);
  if (found == proofs_.end() || std::exchange(found->second, proof::here) == proof::here) return;
  for (const auto& each : prefixes_) {
    const auto other = proofs_.find(each);
    if (other == proofs_.end() || other->second != proof::here) return;
  }
  timer_.cancel();
  log_.write(log_level::info, "acceptor_up", "",
             "peers can reach us through " + to_string(broker_.server));
}

// Frames need other rights than the probe does: a lack of them proves nothing.
void mqtt_acceptor::on_probe_refused(const std::string& prefix, std::uint8_t code) {
  if (code == mqtt_reason::not_authorized) return on_probe(prefix);
  if (proofs_[prefix] == proof::awaited) tell_not_carried(prefix);
}

// Once a connection, though the probe is repeated.
void mqtt_acceptor::tell_not_carried(const std::string& prefix) {
  proofs_[prefix] = proof::missing;
  const std::string topic = control_topic(prefix, deployment_, deployment_);
  tell_unreachable(control_topic(prefix, deployment_, "+"),
                   not_carried(topic, {broker_.server, broker_.login.username, ""}));
}

}  // namespace linkd::transport
