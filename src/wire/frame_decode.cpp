#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

#include "base/utf8.hpp"
#include "link.pb.h"
#include "mqtt_linkd/limits.hpp"
#include "wire/frame.hpp"

namespace linkd::wire {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// A frame of ours has at most filters_per_frame_max repeated fields and some twenty others.
constexpr std::size_t fields_per_frame_max = 2 * filters_per_frame_max;
constexpr std::uint64_t offset_max = INT64_MAX;              // leaves room to add
constexpr std::uint64_t stamp_ms_max = 253'402'300'799'999;  // the year 9999

error corrupt(const std::string& text) {
  return {errc::corrupt, "frame: " + text};
}

bool is_body(std::uint32_t tag) {
  const int field = WireFormatLite::GetTagFieldNumber(tag);
  return field >= proto::Frame::kHelloFieldNumber && field <= proto::Frame::kByeFieldNumber &&
         WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
}

// Adds the fields of one message to `count`; of a frame (`outermost`) also those of its body. False
// if they are too many or do not parse.
bool count_fields(CodedInputStream& in, bool outermost, std::size_t& count) {
  while (const std::uint32_t tag = in.ReadTag()) {
    if (++count > fields_per_frame_max) return false;
    if (outermost && is_body(tag)) {
      std::uint32_t size = 0;
      if (!in.ReadVarint32(&size)) return false;
      const auto outer = in.PushLimit(static_cast<int>(std::min<std::uint32_t>(size, INT32_MAX)));
      if (!count_fields(in, false, count)) return false;
      in.PopLimit(outer);
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return false;
    }
  }
  return in.ConsumedEntireMessage();
}

// Many small fields become objects many times their size: refuse them before the parser makes any.
bool has_sane_field_count(bytes_view encoded) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(encoded.data()),
                      static_cast<int>(encoded.size()));
  std::size_t count = 0;
  return count_fields(in, true, count);
}

bool is_name(const std::string& name) {
  const auto is_alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= limits::name_bytes_max && is_alnum(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_alnum(c) || c == '_' || c == '-'; });
}

// One printable line of at most text_bytes_max bytes.
std::string printable(bytes_view text) {
  std::string out;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (out.size() + std::max<std::size_t>(length, 1) > text_bytes_max) break;
    const bool control = length == 1 && (text.front() < ' ' || text.front() == 0x7f);
    if (length == 0 || control) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

refusal to_refusal(int reason) {
  switch (reason) {
    case proto::REFUSAL_UNKNOWN_DEPLOYMENT:
      return refusal::unknown_deployment;
    case proto::REFUSAL_LINK_DISABLED:
      return refusal::link_disabled;
    case proto::REFUSAL_WRONG_NAME:
      return refusal::wrong_name;
    case proto::REFUSAL_UNAUTHORIZED:
      return refusal::unauthorized;
    case proto::REFUSAL_DUPLICATE_SESSION:
      return refusal::duplicate_session;
    default:
      return refusal::version;  // or a reason of a version to come
  }
}

result<void> read(proto::Hello& from, hello& to) {
  if (from.version_min() > from.version_max()) return corrupt("version range is upside down");
  if (!is_name(from.deployment())) return corrupt("bad deployment name in hello");
  if (!is_name(from.peer())) return corrupt("bad peer name in hello");
  if (from.queue_id() == 0) return corrupt("hello without a queue id");
  if (from.frame_bytes_max() < frame_bytes_min) return corrupt("frame_bytes_max is too small");
  if (from.received().offset() > offset_max) return corrupt("offset is out of range");
  to.version_min = from.version_min();
  to.version_max = from.version_max();
  for (auto& feature : *from.mutable_features()) {
    if (to.features.size() == features_max) break;
    if (is_name(feature)) to.features.push_back(std::move(feature));
  }
  to.deployment = std::move(*from.mutable_deployment());
  to.peer = std::move(*from.mutable_peer());
  to.incarnation = from.incarnation();
  to.queue_id = from.queue_id();
  to.inflight_bytes_max = from.inflight_bytes_max();
  to.frame_bytes_max = from.frame_bytes_max();
  to.message_bytes_max = from.message_bytes_max();
  to.received = {from.received().queue_id(), from.received().offset()};
  return {};
}

std::vector<std::string> take(google::protobuf::RepeatedPtrField<std::string>& from) {
  return {std::make_move_iterator(from.begin()), std::make_move_iterator(from.end())};
}

result<void> check(const data& what) {
  if (what.block_bytes > limits::frame_bytes_max) return corrupt("block is too large");
  if (what.begin >= offset_max || what.end > offset_max) return corrupt("offset is out of range");
  if (what.sent_at_ms > stamp_ms_max) return corrupt("sent_at_ms is out of range");
  if (what.compressed ? what.block.size() >= what.block_bytes
                      : what.block.size() != what.block_bytes)
    return corrupt("block_bytes contradicts the block");
  if (what.fragment_total_bytes == 0) {
    if (what.begin >= what.end) return corrupt("data covers no offset");
    if (what.fragment_offset != 0) return corrupt("fragment without a total");
    return {};
  }
  const auto total = what.fragment_total_bytes;
  if (what.block_bytes == 0 || what.fragment_offset >= total ||
      what.block_bytes > total - what.fragment_offset)
    return corrupt("fragment is outside its record");
  const bool last = what.fragment_offset + what.block_bytes == total;
  if (what.end != what.begin + (last ? 1 : 0)) return corrupt("fragment with a bad end");
  return {};
}

result<void> read(proto::Data& from, data& to) {
  to.begin = from.begin();
  to.end = from.end();
  to.sent_at_ms = from.sent_at_ms();
  to.compressed = from.compressed();
  to.block_bytes = from.block_bytes();
  to.block = std::move(*from.mutable_block());
  to.fragment_offset = from.fragment_offset();
  to.fragment_total_bytes = from.fragment_total_bytes();
  return check(to);
}

result<void> read(proto::Ack& from, ack& to) {
  if (from.delivered() > offset_max || from.resend_from() > offset_max)
    return corrupt("offset is out of range");
  to.delivered = from.delivered();
  if (from.has_resend_from()) to.resend_from = from.resend_from();
  return {};
}

result<void> read(proto::InterestDelta& from, interest_delta& to) {
  const auto count = from.added_size() + from.removed_size();
  if (count > static_cast<int>(filters_per_frame_max)) return corrupt("too many filters");
  to = {from.version(), take(*from.mutable_added()), take(*from.mutable_removed())};
  return {};
}

result<void> read(proto::InterestItems& from, interest_items& to) {
  if (from.filters_size() > static_cast<int>(filters_per_frame_max))
    return corrupt("too many filters");
  to = {take(*from.mutable_filters())};
  return {};
}

// A body whose parts need checks: `to` becomes the frame's body.
template <class Body, class Message>
result<void> read_checked(Message& from, frame& to) {
  return read(from, to.body.emplace<Body>());
}

result<void> read_body(proto::Frame& from, frame& to) {
  switch (from.body_case()) {
    case proto::Frame::kHello:
      return read_checked<hello>(*from.mutable_hello(), to);
    case proto::Frame::kHelloAck:
      return read_checked<hello_ack>(*from.mutable_hello_ack(), to);
    case proto::Frame::kData:
      return read_checked<data>(*from.mutable_data(), to);
    case proto::Frame::kInterestItems:
      return read_checked<interest_items>(*from.mutable_interest_items(), to);
    case proto::Frame::kInterestDelta:
      return read_checked<interest_delta>(*from.mutable_interest_delta(), to);
    case proto::Frame::kRefused:
      to.body = refused{to_refusal(from.refused().reason()), printable(from.refused().text())};
      return {};
    case proto::Frame::kInterestBegin:
      to.body = interest_begin{from.interest_begin().version()};
      return {};
    case proto::Frame::kInterestEnd:
      to.body = interest_end{from.interest_end().count(), from.interest_end().hash()};
      return {};
    case proto::Frame::kAck:
      return read_checked<ack>(*from.mutable_ack(), to);
    case proto::Frame::kPing: {
      const auto& ping = from.ping();
      if (ping.sent_offset() > offset_max) return corrupt("offset is out of range");
      to.body = wire::ping{ping.number(), ping.view_version(), ping.view_count(), ping.view_hash(),
                           ping.sent_offset()};
      return {};
    }
    case proto::Frame::kPong:
      to.body = pong{from.pong().number()};
      return {};
    case proto::Frame::kBye:
      to.body = bye{printable(from.bye().reason())};
      return {};
    case proto::Frame::BODY_NOT_SET:
      break;
  }
  return error{errc::version, "frame: of a kind this version does not know"};
}

}  // namespace

result<frame> decode(bytes_view encoded) {
  if (encoded.size() > limits::frame_bytes_max)
    return error{errc::too_large, "frame: " + std::to_string(encoded.size()) + " bytes"};
  if (!has_sane_field_count(encoded)) return corrupt("does not parse");
  proto::Frame parsed;
  if (!parsed.ParseFromArray(encoded.data(), static_cast<int>(encoded.size())))
    return corrupt("does not parse");
  if (parsed.session() == 0) return corrupt("no session");
  frame out;
  out.session = parsed.session();
  if (const auto read = read_body(parsed, out); read.has_error()) return read.error();
  return out;
}

}  // namespace linkd::wire
