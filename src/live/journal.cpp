#include "live/journal.hpp"

#include "base/coding.hpp"
#include "base/crc32c.hpp"
#include "mqtt_linkd/limits.hpp"
#include "queue/slot_file.hpp"

namespace linkd::live {
namespace {

constexpr std::size_t file_bytes_max = 2 * limits::subscription_bytes_max;
constexpr std::size_t growth_bytes_min = 1u << 20;

enum class record : std::uint8_t { snapshot, message, alive };

// length | CRC-32C of what follows | time | kind | content
bytes encode(record kind, stamp at, bytes_view content) {
  bytes body;
  put_le<std::uint64_t>(body, static_cast<std::uint64_t>(at.time_since_epoch().count()));
  put_le<std::uint8_t>(body, static_cast<std::uint8_t>(kind));
  body += content;
  bytes out;
  put_le<std::uint32_t>(out, static_cast<std::uint32_t>(body.size()));
  put_le<std::uint32_t>(out, crc32c(body));
  return out + body;
}

// retain | length of the topic | topic | payload
bytes encode(const mqtt::received_message& message) {
  bytes out;
  put_le<std::uint8_t>(out, message.what.retain);
  put_le<std::uint16_t>(out, static_cast<std::uint16_t>(message.what.topic.size()));
  return out + message.what.topic + message.what.payload;
}

std::optional<mqtt::received_message> decode(bytes_view in) {
  mqtt::received_message out;
  const auto retain = take_le<std::uint8_t>(in);
  const auto topic_bytes = take_le<std::uint16_t>(in);
  if (!topic_bytes || *topic_bytes > in.size()) return std::nullopt;
  out.what.retain = *retain != 0;
  out.what.topic = in.substr(0, *topic_bytes);
  out.what.payload = in.substr(*topic_bytes);
  return out;
}

// The next record's body; none at the end, whole or torn.
std::optional<bytes_view> take_record(bytes_view& in) {
  const auto size = take_le<std::uint32_t>(in);
  const auto crc = take_le<std::uint32_t>(in);
  if (!crc || *size > in.size() || crc32c(in.substr(0, *size)) != *crc) return std::nullopt;
  const auto body = in.substr(0, *size);
  in.remove_prefix(*size);
  return body;
}

}  // namespace

struct journal::target {
  storage& disk;
  std::string path;
  std::unique_ptr<file> open = nullptr;  // null: not to be written to
  std::uint64_t end = 0;

  result<void> rewrite(const bytes& content) {
    open.reset();
    if (auto replaced = queue::replace_file(disk, path, content); !replaced) return replaced;
    auto opened = disk.open(path, open_mode::existing);
    if (!opened) return opened.error();
    open = std::move(*opened);
    end = content.size();
    return {};
  }
  result<void> append(const bytes& content) {
    if (!open) return error{errc::unavailable, path + " is not open"};
    if (auto written = open->write_at(end, content); !written) return written;
    end += content.size();
    return {};
  }
  result<void> remove() {
    open.reset();
    return disk.remove(path);
  }
};

journal::journal(storage& disk, worker& background, std::string path)
    : background_(background), target_(new target{disk, std::move(path)}) {}

result<journal::content> journal::load() const {
  const auto file = queue::read_file(target_->disk, target_->path, file_bytes_max);
  if (!file) return file.error();
  content out;
  bytes_view rest = *file;
  bool has_snapshot = false;
  while (auto body = take_record(rest)) {
    const auto at = take_le<std::uint64_t>(*body);
    const auto kind = take_le<std::uint8_t>(*body);
    if (!kind) break;
    out.last_alive = stamp(milliseconds(static_cast<std::int64_t>(*at)));
    if (*kind == static_cast<std::uint8_t>(record::snapshot)) {
      out.snapshot = *body;
      has_snapshot = true;
    } else if (*kind == static_cast<std::uint8_t>(record::message)) {
      auto message = decode(*body);
      if (!message) break;
      out.messages.push_back(*std::move(message));
    }
  }
  if (!has_snapshot) return error{errc::corrupt, target_->path + " does not begin with a snapshot"};
  return out;
}

void journal::rewrite(bytes snapshot, stamp now, outcome done) {
  snapshot_bytes_ = snapshot.size();
  appended_bytes_ = 0;
  bytes whole = encode(record::snapshot, now, snapshot);
  run([whole = std::move(whole)](target& to) { return to.rewrite(whole); }, std::move(done));
}

void journal::append(const std::vector<mqtt::received_message>& messages, stamp now, outcome done) {
  bytes records;
  for (const auto& each : messages) records += encode(record::message, now, encode(each));
  appended_bytes_ += records.size();
  run([records = std::move(records)](target& to) { return to.append(records); }, std::move(done));
}

void journal::mark_alive(stamp now) {
  const bytes mark = encode(record::alive, now, {});
  appended_bytes_ += mark.size();
  run([mark](target& to) { return to.append(mark); }, [](const result<void>&) {});
}

void journal::remove() {
  run([](target& to) { return to.remove(); }, [](const result<void>&) {});
}

bool journal::is_long() const {
  return appended_bytes_ > growth_bytes_min + 4 * snapshot_bytes_;
}

void journal::run(std::function<result<void>(target&)> work, outcome done) {
  const auto told = std::make_shared<result<void>>();
  background_.run(
      "live",
      [to = target_, work = std::move(work), told] {
        *told = work(*to);
        // Half a journal must not be taken for a whole one.
        if (!*told && to->open) static_cast<void>(to->remove());
      },
      [told, done = std::move(done)] { done(*told); });
}

}  // namespace linkd::live
