#include "transport/path_stream.hpp"

#include <utility>

namespace linkd::transport {

path_stream::path_stream(path_id path, direction outgoing, std::optional<secret> key)
    : path_(path),
      outgoing_(std::move(outgoing)),
      incoming_(outgoing_.reversed()),
      key_(std::move(key)) {}

bytes path_stream::seal(bytes_view frame) {
  return transport::seal({path_, next_number_++, frame}, outgoing_, key_);
}

result<bytes_view> path_stream::open(bytes_view sealed) {
  const auto opened = transport::open(sealed, incoming_, key_);
  if (!opened) return opened.error();
  if (opened->path != path_) return error{errc::not_found, "an envelope of another path"};
  // An end has no place in the sequence: a side that no longer knows the path sends it too.
  if (!opened->frame.empty() && !seen_.take(opened->number)) {
    return error{errc::exists, "an envelope that was seen before: replayed"};
  }
  return opened->frame;
}

}  // namespace linkd::transport
