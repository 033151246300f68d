#pragma once

#include <string>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::transport {

// Reads a link's frame_key_file: 32 bytes to 4 KiB less trailing newlines, of a regular file that
// only its owner may read. Blocks for one small file. errc::io, errc::permission, errc::invalid.
result<secret> read_frame_key(const std::string& file);

}  // namespace linkd::transport
