#pragma once

#include <string>
#include <string_view>

namespace linkd {

// Octets, not text. std::string is what protobuf, zstd and libmosquitto all speak without a copy.
using bytes = std::string;
using bytes_view = std::string_view;

}  // namespace linkd
