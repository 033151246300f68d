#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mqtt_linkd/ports/worker.hpp"

namespace linkd::platform {

// A worker with a few threads: syncs of several files that are asked for at once share one write of
// the file system's journal. `done` runs on the io_context's thread, where run() and the destructor
// are called too. The destructor waits for the works that are running, drops the others and joins.
// Both functions of a call are destroyed on the io_context's thread, and neither may throw. The
// io_context does not run out of work while a call is open.
class thread_worker : public worker {
 public:
  // Throws std::system_error if there are not so many threads to be had.
  explicit thread_worker(boost::asio::io_context& io, std::size_t threads = 8);
  ~thread_worker() override;
  thread_worker(const thread_worker&) = delete;
  thread_worker& operator=(const thread_worker&) = delete;

  void run(const std::string& lane, std::function<void()> work,
           std::function<void()> done) override;

 private:
  struct job {
    std::function<void()> work, done;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keeps_loop_running;
  };
  using lanes = std::map<std::string, std::deque<job>>;

  void stop();
  void loop();

  boost::asio::io_context& io_;
  // What a posted `done` holds weakly, to see that the worker is gone.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_. The first job of a lane is the one that is ready or running; it stays
  // there until it has run.
  lanes lanes_;
  std::deque<lanes::iterator> ready_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace linkd::platform
