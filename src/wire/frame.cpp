#include "wire/frame.hpp"

#include "link.pb.h"

namespace linkd::wire {
namespace {

proto::Refusal to_proto(refusal reason) {
  switch (reason) {
    case refusal::unknown_deployment:
      return proto::REFUSAL_UNKNOWN_DEPLOYMENT;
    case refusal::link_disabled:
      return proto::REFUSAL_LINK_DISABLED;
    case refusal::wrong_name:
      return proto::REFUSAL_WRONG_NAME;
    case refusal::unauthorized:
      return proto::REFUSAL_UNAUTHORIZED;
    case refusal::version:
      return proto::REFUSAL_VERSION;
    case refusal::duplicate_session:
      return proto::REFUSAL_DUPLICATE_SESSION;
  }
  return proto::REFUSAL_UNSPECIFIED;
}

void write(const hello& from, proto::Hello& to) {
  to.set_version_min(from.version_min);
  to.set_version_max(from.version_max);
  for (const auto& feature : from.features) to.add_features(feature);
  to.set_deployment(from.deployment);
  to.set_peer(from.peer);
  to.set_incarnation(from.incarnation);
  to.set_queue_id(from.queue_id);
  to.set_inflight_bytes_max(from.inflight_bytes_max);
  to.set_frame_bytes_max(from.frame_bytes_max);
  to.set_message_bytes_max(from.message_bytes_max);
  to.mutable_received()->set_queue_id(from.received.queue_id);
  to.mutable_received()->set_offset(from.received.offset);
}

// Writes the body that the variant holds.
struct body_writer {
  proto::Frame& to;

  void operator()(const hello& from) const { write(from, *to.mutable_hello()); }
  void operator()(const hello_ack& from) const { write(from, *to.mutable_hello_ack()); }
  void operator()(const refused& from) const {
    to.mutable_refused()->set_reason(to_proto(from.reason));
    to.mutable_refused()->set_text(from.text);
  }
  void operator()(const interest_begin& from) const {
    to.mutable_interest_begin()->set_version(from.version);
  }
  void operator()(const interest_items& from) const {
    auto& items = *to.mutable_interest_items();
    for (const auto& filter : from.filters) items.add_filters(filter);
  }
  void operator()(const interest_end& from) const {
    to.mutable_interest_end()->set_count(from.count);
    to.mutable_interest_end()->set_hash(from.hash);
  }
  void operator()(const interest_delta& from) const {
    auto& delta = *to.mutable_interest_delta();
    delta.set_version(from.version);
    for (const auto& filter : from.added) delta.add_added(filter);
    for (const auto& filter : from.removed) delta.add_removed(filter);
  }
  void operator()(const data& from) const {
    auto& data = *to.mutable_data();
    data.set_begin(from.begin);
    data.set_end(from.end);
    data.set_sent_at_ms(from.sent_at_ms);
    data.set_compressed(from.compressed);
    data.set_block_bytes(from.block_bytes);
    data.set_block(from.block);
    data.set_fragment_offset(from.fragment_offset);
    data.set_fragment_total_bytes(from.fragment_total_bytes);
  }
  void operator()(const ack& from) const {
    to.mutable_ack()->set_delivered(from.delivered);
    if (from.resend_from) to.mutable_ack()->set_resend_from(*from.resend_from);
  }
  void operator()(const ping& from) const {
    auto& ping = *to.mutable_ping();
    ping.set_number(from.number);
    ping.set_view_version(from.view_version);
    ping.set_view_count(from.view_count);
    ping.set_view_hash(from.view_hash);
    ping.set_sent_offset(from.sent_offset);
  }
  void operator()(const pong& from) const { to.mutable_pong()->set_number(from.number); }
  void operator()(const bye& from) const { to.mutable_bye()->set_reason(from.reason); }
};

}  // namespace

std::string_view to_string(refusal reason) {
  switch (reason) {
    case refusal::unknown_deployment:
      return "unknown_deployment";
    case refusal::link_disabled:
      return "link_disabled";
    case refusal::wrong_name:
      return "wrong_name";
    case refusal::unauthorized:
      return "unauthorized";
    case refusal::version:
      return "version";
    case refusal::duplicate_session:
      return "duplicate_session";
  }
  return "unknown";
}

bytes encode(const frame& what) {
  proto::Frame out;
  out.set_session(what.session);
  std::visit(body_writer{out}, what.body);
  return out.SerializeAsString();
}

}  // namespace linkd::wire
