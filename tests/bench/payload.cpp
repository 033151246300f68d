#include "tests/bench/payload.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <random>

namespace linkd::bench {
namespace {

constexpr std::size_t pool_bytes = 8u << 20;

// Of JSON: {"n":NNNNNNNNNN,"t":TTTTTTTTTTTTTTTT
constexpr std::size_t number_at = 5, number_digits = 10;
constexpr std::size_t time_at = number_at + number_digits + 5, time_digits = 16;

std::string field(const char* format, double value) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, format, value);
  return {text, static_cast<std::size_t>(size)};
}

std::string json_template(std::size_t size_bytes, std::mt19937_64& random) {
  std::uniform_real_distribution<double> share(0, 1);
  std::string text = "{\"n\":0000000000,\"t\":0000000000000000";
  const auto add = [&](const std::string& more) {
    if (text.size() + more.size() + 1 <= size_bytes) text += more;
  };
  add(field(",\"device\":\"press-%03.0f\"", 999 * share(random)));
  add(",\"site\":\"hall-3\"");
  add(field(",\"temperature\":%.2f", 60 + 20 * share(random)));
  add(field(",\"pressure\":%.3f", 3 + share(random)));
  add(field(",\"vibration\":%.4f", share(random)));
  add(share(random) < 0.9 ? ",\"state\":\"running\"" : ",\"state\":\"idle\"");
  for (int i = 0; i < 2000 && text.size() + 24 < size_bytes; ++i) {
    add(field(",\"channel%02.0f\":", i % 100) + field("%.3f", 100 * share(random)));
  }
  text.append(size_bytes - text.size() - 1, ' ');
  return text + '}';
}

// Four-byte samples, each near the one before it.
std::string binary_template(std::size_t size_bytes, std::mt19937_64& random) {
  std::string text(sizeof(stamp), '\0');
  std::int32_t value = static_cast<std::int32_t>(random() % 100'000);
  while (text.size() < size_bytes) {
    value += static_cast<std::int32_t>(random() % 201) - 100;
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  text.resize(size_bytes);
  return text;
}

std::string random_template(std::size_t size_bytes, std::mt19937_64& random) {
  std::string text(size_bytes, '\0');
  std::ranges::generate(text, [&] { return static_cast<char>(random()); });
  return text;
}

std::string make_template(payload_kind kind, std::size_t size_bytes, std::mt19937_64& random) {
  switch (kind) {
    case payload_kind::json:
      return json_template(size_bytes, random);
    case payload_kind::binary:
      return binary_template(size_bytes, random);
    case payload_kind::random:
      break;
  }
  return random_template(size_bytes, random);
}

void put_digits(char* to, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

bool read_digits(std::string_view text, std::uint64_t& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace

std::optional<payload_kind> payload_kind_from(std::string_view name) {
  if (name == "json") return payload_kind::json;
  if (name == "binary") return payload_kind::binary;
  if (name == "random") return payload_kind::random;
  return std::nullopt;
}

payloads::payloads(payload_kind kind, std::size_t size_bytes)
    : kind_(kind), size_bytes_(std::max(size_bytes, payload_bytes_min)) {
  std::mt19937_64 random(1);
  pool_.resize(pool_bytes / size_bytes_ + 1);
  for (auto& each : pool_) each = make_template(kind, size_bytes_, random);
}

std::string_view payloads::make(const stamp& mark) {
  std::string& text = pool_[mark.number % pool_.size()];
  if (kind_ == payload_kind::json) {
    put_digits(&text[number_at], number_digits, mark.number);
    put_digits(&text[time_at], time_digits, mark.sent_us);
  } else {
    std::memcpy(text.data(), &mark, sizeof mark);
  }
  return text;
}

std::optional<stamp> payloads::read(std::string_view payload) const {
  if (payload.size() != size_bytes_) return std::nullopt;
  stamp mark;
  if (kind_ != payload_kind::json) {
    std::memcpy(&mark, payload.data(), sizeof mark);
  } else if (!read_digits(payload.substr(number_at, number_digits), mark.number) ||
             !read_digits(payload.substr(time_at, time_digits), mark.sent_us)) {
    return std::nullopt;
  }
  return mark;
}

}  // namespace linkd::bench
