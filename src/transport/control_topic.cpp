#include "transport/control_topic.hpp"

#include <algorithm>

#include "mqtt_linkd/limits.hpp"

namespace linkd::transport {
namespace {

bool is_deployment_name(std::string_view name) {
  // Not <cctype>: its answers depend on the locale.
  const auto alphanumeric = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= limits::name_bytes_max && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '_' || c == '-'; });
}

}  // namespace

std::string control_topic(const std::string& prefix, const std::string& receiver,
                          const std::string& sender) {
  return prefix + "/" + receiver + "/from/" + sender;
}

std::optional<std::string> sender_in(std::string_view topic, const std::string& prefix,
                                     const std::string& receiver) {
  const std::string before = control_topic(prefix, receiver, "");
  if (!topic.starts_with(before)) return std::nullopt;
  topic.remove_prefix(before.size());
  if (!is_deployment_name(topic)) return std::nullopt;
  return std::string(topic);
}

}  // namespace linkd::transport
