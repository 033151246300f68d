#include "link/channel.hpp"

namespace linkd::link {

void channel::open(std::unique_ptr<path> way) {
  close();
  path_ = std::move(way);
  description_ = path_->description();
  path_->start(*this);
}

void channel::close() {
  session_.reset();
  frame_bytes_max_ = 0;
  path_.reset();
}

void channel::on_path_up(std::size_t frame_bytes_max) {
  frame_bytes_max_ = frame_bytes_max;
  owner_.on_channel_up(*this);
}

}  // namespace linkd::link
