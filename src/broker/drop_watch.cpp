#include "broker/drop_watch.hpp"

#include <charconv>

namespace linkd::broker_adapter {
namespace {

constexpr seconds warning_interval{60};

}  // namespace

void drop_watch::subscribing(int packet_id) {
  asked_ = true;
  unanswered_ = packet_id;
}

void drop_watch::answered(int packet_id) {
  if (unanswered_ == packet_id) unanswered_.reset();
}

void drop_watch::connection_lost(bool by_peer) {
  if (by_peer && unanswered_) harmful_ = true;
  unanswered_.reset();
  asked_ = false;
}

std::optional<std::string> drop_watch::on_value(std::string_view payload, time_point now) {
  std::uint64_t dropped = 0;
  const auto [stop, failed] =
      std::from_chars(payload.data(), payload.data() + payload.size(), dropped);
  if (failed != std::errc{} || stop != payload.data() + payload.size()) return std::nullopt;
  // A smaller number: the broker was restarted.
  if (!told_ || dropped < *told_) told_ = dropped;
  if (dropped == *told_ || now < next_warning_) return std::nullopt;
  next_warning_ = now + warning_interval;
  const std::uint64_t since = dropped - *told_;
  told_ = dropped;
  return "the local broker says it has dropped " + std::to_string(since) +
         " messages for its clients, perhaps for us: they never reach a peer; raise its "
         "max_queued_messages and max_queued_bytes (mosquitto.conf) or what limits the queue of a "
         "client there";
}

}  // namespace linkd::broker_adapter
