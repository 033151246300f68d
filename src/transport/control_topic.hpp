#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace linkd::transport {

// "<prefix>/<receiver>/from/<sender>": where `sender` publishes its frames for `receiver`.
std::string control_topic(const std::string& prefix, const std::string& receiver,
                          const std::string& sender);

// The sender in a topic of that form with a valid deployment name
// ([A-Za-z0-9][A-Za-z0-9_-]{0,63}), or none.
std::optional<std::string> sender_in(std::string_view topic, const std::string& prefix,
                                     const std::string& receiver);

}  // namespace linkd::transport
