#pragma once

#include <functional>
#include <string>
#include <vector>

#include "link/status.hpp"
#include "mqtt_linkd/time.hpp"

// What the admin layer asks the daemon for: values, on the main thread, at the moment of a request.
namespace linkd::admin {

// Whether the daemon does its work: configuration read, state recovered, store writable, capture
// subscribed at the local broker. The state of single links does not count.
struct ready_state {
  bool ready = false;
  std::string reason;  // one line for people when not ready; names no peer and no topic
};

// Something wrong in a configuration file; 0: no line or column.
struct problem {
  std::string file;
  int line = 0, column = 0;
  std::string field;  // "queue.max_bytes", "topics[2]"; empty: not about one key
  std::string message;
};

struct certificate_expiry {
  std::string file;
  stamp not_after;
};

// What concerns the process and its files rather than the links.
struct process_status {
  std::string version;
  bool config_last_reload_successful = true;
  stamp config_last_reload;  // the last attempt; the start counts as one
  std::vector<certificate_expiry> certificates;
  std::vector<problem> problems = {};  // that the last (re)load found
};

struct sources {
  std::function<link::deployment_status()> deployment;
  std::function<process_status()> process;
  std::function<ready_state()> ready;
};

}  // namespace linkd::admin
