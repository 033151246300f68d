#include "queue/dead_letters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "base/utf8.hpp"
#include "mqtt_linkd/limits.hpp"

namespace linkd::queue {
namespace {

constexpr std::uint64_t part_bytes_max = 2u << 20;
constexpr std::size_t parts_max = 64;
constexpr std::size_t reason_bytes_max = 1024;
constexpr std::size_t number_digits = 10;
constexpr bytes_view suffix = ".jsonl";

// RFC 4648, section 4.
std::string base64(bytes_view data) {
  constexpr bytes_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (; !data.empty(); data.remove_prefix(std::min<std::size_t>(3, data.size()))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < data.size() ? static_cast<unsigned char>(data[i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      out.push_back(i <= data.size() ? digits[group >> (18 - 6 * i) & 63] : '=');
  }
  return out;
}

std::string quoted(bytes_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      out += "\\ufffd";
    } else if (first < 0x20 || first == 0x7f) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", first);
      out += escaped.data();
    } else {
      if (first == '"' || first == '\\') out += '\\';
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + "\"";
}

std::string line_of(const dead_letters::letter& what) {
  return "{\"time_ms\":" + std::to_string(what.when.time_since_epoch().count()) +
         ",\"reason\":" + quoted(bytes_view(what.reason).substr(0, reason_bytes_max)) +
         ",\"topic\":" + quoted(bytes_view(what.topic).substr(0, limits::topic_bytes_max)) +
         ",\"qos\":" + std::to_string(what.qos) +
         ",\"retain\":" + (what.retain ? "true" : "false") +
         ",\"payload_bytes\":" + std::to_string(what.payload.size()) + ",\"payload\":\"" +
         base64(bytes_view(what.payload).substr(0, limits::dead_letter_payload_bytes_max)) +
         "\"}\n";
}

// Of "0000000001.jsonl"; 0 if the name is not one of ours.
std::uint64_t number_of(const std::string& name) {
  std::uint64_t number = 0;
  if (name.size() != number_digits + suffix.size() || !name.ends_with(suffix)) return 0;
  const auto* const end = name.data() + number_digits;
  return std::from_chars(name.data(), end, number).ptr == end ? number : 0;
}

}  // namespace

result<dead_letters> dead_letters::open(storage& disk, const std::string& directory) {
  if (auto done = disk.make_directory(directory); !done) return done.error();
  const auto names = disk.list(directory);
  if (!names) return names.error();
  dead_letters opened(disk, directory);
  for (const auto& name : *names) {
    const auto number = number_of(name);
    if (number == 0) continue;
    auto found = disk.open(directory + "/" + name, open_mode::existing);
    if (!found) return found.error();
    const auto size = (*found)->size();
    if (!size) return size.error();
    opened.parts_.push_back({number, *size});
    opened.next_number_ = number + 1;
  }
  return opened;
}

std::string dead_letters::path(std::uint64_t number) const {
  const auto digits = std::to_string(number);
  return directory_ + "/" +
         std::string(number_digits - std::min(number_digits, digits.size()), '0') + digits +
         std::string(suffix);
}

result<void> dead_letters::append(const letter& what) {
  const auto line = line_of(what);
  if (current_ && parts_.back().size + line.size() > part_bytes_max) current_.reset();
  if (auto done = make_room(line.size()); !done) return done;
  if (!current_) {
    if (auto done = begin_part(); !done) return done;
  }
  auto& last = parts_.back();
  auto done = current_->write_at(last.size, line);
  if (done) done = current_->sync();
  last.size += line.size();
  if (!done) current_.reset();  // what stands at its end is not known: the next one starts afresh
  return done;
}

result<void> dead_letters::make_room(std::uint64_t size) {
  std::uint64_t total = size;
  for (const auto& each : parts_) total += each.size;
  while (!parts_.empty() &&
         (total > limits::dead_letter_bytes_max || (!current_ && parts_.size() >= parts_max))) {
    if (parts_.size() == 1) current_.reset();
    const auto gone = disk_->remove(path(parts_.front().number));
    if (!gone && gone.error().code != errc::not_found) return gone;
    total -= parts_.front().size;
    parts_.pop_front();
  }
  return {};
}

result<void> dead_letters::begin_part() {
  auto created = disk_->open(path(next_number_), open_mode::create_new);
  if (!created) return created.error();
  parts_.push_back({next_number_++, 0});
  if (auto done = disk_->sync_directory(directory_); !done) return done;
  current_ = std::move(*created);
  return {};
}

}  // namespace linkd::queue
