#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mqtt_linkd/ports/transport.hpp"
#include "session/session.hpp"

namespace linkd::link {

class channel;

class channel_events {
 public:
  virtual ~channel_events() = default;
  virtual void on_channel_up(channel& which) = 0;
  virtual void on_channel_frame(channel& which, bytes encoded) = 0;
  virtual void on_channel_room(channel& which) = 0;
  virtual void on_channel_down(channel& which, const error& reason) = 0;
};

// One of the two ways a link may have to its peer: the one we dial or the one the peer dials. Holds
// the path, while there is one, and the session that runs over it.
class channel : public path_events {
 public:
  channel(session::role which, channel_events& owner) : role_(which), owner_(owner) {}

  [[nodiscard]] session::role role() const { return role_; }
  // Replaces what was there.
  void open(std::unique_ptr<path> way);
  void close();

  [[nodiscard]] bool is_open() const { return path_ != nullptr; }
  [[nodiscard]] bool is_up() const { return frame_bytes_max_ > 0; }
  [[nodiscard]] bool is_established() const { return session_ && session_->is_established(); }
  [[nodiscard]] path& way() { return *path_; }
  [[nodiscard]] std::size_t frame_bytes_max() const { return frame_bytes_max_; }
  // What the path called itself, also after it is gone.
  [[nodiscard]] const std::string& description() const { return description_; }

  std::optional<session::link_session>& session() { return session_; }
  [[nodiscard]] const std::optional<session::link_session>& session() const { return session_; }

  void on_path_up(std::size_t frame_bytes_max) override;
  void on_frame(bytes frame) override { owner_.on_channel_frame(*this, std::move(frame)); }
  void on_path_room() override { owner_.on_channel_room(*this); }
  void on_path_down(error reason) override { owner_.on_channel_down(*this, reason); }

 private:
  session::role role_;
  channel_events& owner_;
  std::unique_ptr<path> path_;
  std::size_t frame_bytes_max_ = 0;  // 0 until the path is up
  std::string description_;
  std::optional<session::link_session> session_;
};

}  // namespace linkd::link
