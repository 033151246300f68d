#include "daemon/state_directory.hpp"

#include "link/deployment.hpp"
#include "queue/slot_file.hpp"

namespace linkd::daemon {
namespace {

constexpr const char* session_file = "session";
constexpr std::size_t session_bytes_max = 64u << 20;

}  // namespace

result<state_directory> state_directory::open(const std::string& path) {
  state_directory state;
  state.disk = std::make_unique<platform::posix_storage>(path);
  if (const auto made = state.disk->make_directory(""); !made) return made.error();
  auto lock = state.disk->lock("");
  if (!lock) {
    if (lock.error().code != errc::locked) return lock.error();
    return error{errc::locked, path + ": another mqtt-linkd runs on this state directory"};
  }
  state.lock = std::move(*lock);
  const auto incarnation = link::next_incarnation(*state.disk);
  if (!incarnation) return incarnation.error();
  state.incarnation = *incarnation;
  return state;
}

bytes load_broker_session(storage& disk) {
  const auto content = queue::read_file(disk, session_file, session_bytes_max);
  return content ? *content : bytes();
}

result<void> save_broker_session(storage& disk, bytes_view what) {
  return queue::replace_file(disk, session_file, what);
}

}  // namespace linkd::daemon
