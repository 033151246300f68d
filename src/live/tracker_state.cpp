// The part of session_tracker that survives a restart: its text (live/MOSQUITTO.md, "State").
#include "base/coding.hpp"
#include "live/session_tracker.hpp"

namespace linkd::live {
namespace {

constexpr std::uint8_t version = 1;

void put_text(bytes& out, std::string_view text) {
  put_le<std::uint32_t>(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::optional<std::string> take_text(bytes_view& in) {
  const auto size = take_le<std::uint32_t>(in);
  if (!size || *size > in.size()) return std::nullopt;
  std::string text(in.substr(0, *size));
  in.remove_prefix(*size);
  return text;
}

}  // namespace

bytes session_tracker::save() const {
  bytes out;
  put_le<std::uint8_t>(out, version);
  put_le<std::uint8_t>(out, proven_[plain]);
  put_le<std::uint8_t>(out, proven_[shared]);
  put_le<std::uint32_t>(out, static_cast<std::uint32_t>(sessions_.size()));
  for (const auto& [client, each] : sessions_) {
    put_text(out, client);
    put_le<std::uint8_t>(out, each.connected);
    put_le<std::uint8_t>(out, static_cast<std::uint8_t>(each.lasts));
    put_le<std::uint32_t>(out, static_cast<std::uint32_t>(each.filters.size()));
    for (const auto& [filter, entry] : each.filters) {
      put_text(out, filter);
      put_le<std::uint8_t>(out, entry != doubt::none);
    }
  }
  return out;
}

bool session_tracker::restore(bytes_view saved) {
  forget_all();
  const auto read = [&]() -> bool {
    if (take_le<std::uint8_t>(saved) != version) return false;
    const auto proven_plain = take_le<std::uint8_t>(saved);
    const auto proven_shared = take_le<std::uint8_t>(saved);
    const auto count = take_le<std::uint32_t>(saved);
    if (!proven_plain || !proven_shared || !count) return false;
    for (std::uint32_t i = 0; i < *count; ++i) {
      const auto client = take_text(saved);
      const auto connected = take_le<std::uint8_t>(saved);
      const auto lasts = take_le<std::uint8_t>(saved);
      const auto filters = take_le<std::uint32_t>(saved);
      if (!client || !connected || !lasts || !filters ||
          *lasts > static_cast<std::uint8_t>(lifetime::longer))
        return false;
      const auto at = find_or_add(*client);
      at->second.connected = *connected != 0;
      at->second.lasts = static_cast<lifetime>(*lasts);
      for (std::uint32_t k = 0; k < *filters; ++k) {
        const auto filter = take_text(saved);
        const auto doubtful = take_le<std::uint8_t>(saved);
        if (!filter || !doubtful) return false;
        add(at, *filter, *doubtful != 0);
      }
    }
    proven_ = {*proven_plain != 0, *proven_shared != 0};
    return saved.empty();
  };
  if (read()) return true;
  forget_all();
  proven_ = {};
  return false;
}

}  // namespace linkd::live
