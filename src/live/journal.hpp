#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mqtt/client.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/ports/worker.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::live {

// A file that brings a state over the end of the process: one snapshot, then the messages that
// changed it since, each with the time of its arrival (live/MOSQUITTO.md, "State"). Not synced:
// what a power loss takes away from the end, it takes away from the times as well.
//
// Writes go through the worker in the order of the calls; `done` tells whether this and everything
// before it is written. After a failure the file is gone and nothing is written until rewrite().
class journal {
 public:
  struct content {
    bytes snapshot;
    std::vector<mqtt::received_message> messages;
    stamp last_alive;
  };
  using outcome = std::function<void(const result<void>&)>;

  journal(storage& disk, worker& background, std::string path);

  // Blocking, before anything else; errc::not_found, errc::corrupt. A torn end is cut off.
  [[nodiscard]] result<content> load() const;

  void rewrite(bytes snapshot, stamp now, outcome done);
  void append(const std::vector<mqtt::received_message>& messages, stamp now, outcome done);
  // Nothing happened until `now`.
  void mark_alive(stamp now);
  void remove();

  // It has grown so much that a new snapshot pays.
  [[nodiscard]] bool is_long() const;

 private:
  struct target;  // what the worker uses
  void run(std::function<result<void>(target&)> work, outcome done);

  worker& background_;
  std::shared_ptr<target> target_;
  std::size_t snapshot_bytes_ = 0, appended_bytes_ = 0;
};

}  // namespace linkd::live
