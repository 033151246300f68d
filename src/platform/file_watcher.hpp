#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mqtt_linkd/time.hpp"

namespace linkd::platform {

struct file_watcher_timing {
  milliseconds debounce{200};  // from the first sign of a change to looking
  milliseconds rescan{5'000};  // looking without any sign
};

// Calls `on_change` when a file is created, changed, replaced or removed: one of `files`, or any in
// one of `directories` (not below; names that begin with a dot, as editors' and our own temporary
// files do, are not looked at). A file is followed through symbolic links. inotify only says when
// to look and a slow timer looks besides, so directories may go and come back, and file systems
// without inotify are merely slower. Runs on the io_context's thread; `on_change` may call watch()
// and may destroy the watcher.
class file_watcher {
 public:
  file_watcher(boost::asio::io_context& io, std::function<void()> on_change,
               file_watcher_timing timing = {});
  ~file_watcher();
  file_watcher(const file_watcher&) = delete;
  file_watcher& operator=(const file_watcher&) = delete;

  // Replaces the set. What was watched before is still compared with what it was then; for the rest
  // the present counts as unchanged: so call it before reading the files.
  void watch(const std::vector<std::string>& directories, const std::vector<std::string>& files);

 private:
  class watching;
  std::shared_ptr<watching> watching_;
};

}  // namespace linkd::platform
