#include "wire/record.hpp"

#include <algorithm>
#include <array>

#include "base/coding.hpp"
#include "topic/topic.hpp"
#include "wire/properties.hpp"

namespace linkd::wire {
namespace {

constexpr char format_version = 1;
constexpr unsigned char flag_qos = 0x03, flag_retain = 0x04;
constexpr std::uint64_t stamp_ms_max = 253'402'300'799'999;  // the year 9999
constexpr std::size_t flags_at = 1;

// The parts of an encoded record, not yet looked into.
struct parts {
  stamp captured_at;
  std::uint8_t qos = 0;
  bool retain = false;
  bytes_view topic, properties, payload;
};

error corrupt(const char* text) {
  return {errc::corrupt, std::string("record: ") + text};
}

result<parts> split(bytes_view in) {
  if (in.empty()) return corrupt("empty");
  if (in[0] != format_version) return error{errc::version, "record: of another format version"};
  if (in.size() < record_bytes_min) return corrupt("too short");
  const auto flags = static_cast<unsigned char>(in[flags_at]);
  if ((flags & ~(flag_qos | flag_retain)) != 0 || (flags & flag_qos) > 1)
    return corrupt("bad flags");
  in.remove_prefix(2);
  const auto captured_at_ms = take_le<std::uint64_t>(in).value_or(UINT64_MAX);
  if (captured_at_ms > stamp_ms_max) return corrupt("bad capture time");

  parts out;
  out.captured_at = stamp(milliseconds(captured_at_ms));
  out.qos = flags & flag_qos;
  out.retain = (flags & flag_retain) != 0;
  const auto topic = take_binary(in);
  if (!topic) return corrupt("cut off in the topic");
  out.topic = *topic;
  const auto properties = take_property_bytes(in);
  if (!properties) return corrupt("cut off in the properties");
  out.properties = *properties;
  out.payload = in;
  return out;
}

}  // namespace

bytes encode_record(stamp captured_at, const message& content) {
  const bytes properties = encode_properties(content.properties);
  bytes out;
  out.reserve(record_bytes_min + content.topic.size() + properties.size() + 4 +
              content.payload.size());
  out.push_back(format_version);
  out.push_back(static_cast<char>((content.qos & flag_qos) | (content.retain ? flag_retain : 0)));
  const auto captured_at_ms = std::max<std::int64_t>(captured_at.time_since_epoch().count(), 0);
  put_le(out, std::min(static_cast<std::uint64_t>(captured_at_ms), stamp_ms_max));
  put_binary(out, content.topic);
  put_property_bytes(out, properties);
  out += content.payload;
  return out;
}

bytes without_retain(bytes_view encoded) {
  bytes out(encoded);
  if (out.size() > flags_at)
    out[flags_at] = static_cast<char>(static_cast<unsigned char>(out[flags_at]) & ~flag_retain);
  return out;
}

result<record_head> peek_record(bytes_view encoded) {
  const auto read = split(encoded);
  if (read.has_error()) return read.error();
  const auto expiry = find_expiry(read->properties);
  if (expiry.has_error()) return expiry.error();
  return record_head{read->captured_at, read->qos, *expiry, read->payload.size()};
}

result<record> decode_record(bytes_view encoded) {
  const auto read = split(encoded);
  if (read.has_error()) return read.error();
  if (const auto valid = topic::check_name(read->topic); valid.has_error())
    return error{errc::corrupt, "record: its topic " + valid.error().text};
  auto properties = decode_properties(read->properties);
  if (properties.has_error()) return properties.error();
  record out;
  out.captured_at = read->captured_at;
  out.content = {std::string(read->topic), bytes(read->payload), read->qos, read->retain,
                 std::move(*properties)};
  return out;
}

}  // namespace linkd::wire
