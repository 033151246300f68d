#pragma once

#include <memory>
#include <string>

#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/result.hpp"
#include "platform/posix_storage.hpp"

namespace linkd::daemon {

// The state directory, held by this process alone as long as the object lives.
struct state_directory {
  std::unique_ptr<platform::posix_storage> disk;
  std::unique_ptr<directory_lock> lock;
  std::uint64_t incarnation = 0;

  // Blocking. errc::locked: another daemon runs on it.
  static result<state_directory> open(const std::string& path);
};

// `<state_dir>/session`: what our session at the local broker may be subscribed to, as the broker
// adapter writes it. Empty if there is none or it cannot be read: then some old subscription may
// stay.
bytes load_broker_session(storage& disk);
result<void> save_broker_session(storage& disk, bytes_view what);

}  // namespace linkd::daemon
