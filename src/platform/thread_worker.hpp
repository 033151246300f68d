#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "mqtt_linkd/ports/worker.hpp"

namespace linkd::platform {

// A worker with one thread. `done` runs on the io_context's thread, where run() and the destructor
// are called too. The destructor waits for the work that is running, drops the others and joins.
// Both functions of a call are destroyed on the io_context's thread, and neither may throw. The
// io_context does not run out of work while a call is open.
class thread_worker : public worker {
 public:
  // Throws std::system_error if there is no thread to be had.
  explicit thread_worker(boost::asio::io_context& io);
  ~thread_worker() override;
  thread_worker(const thread_worker&) = delete;
  thread_worker& operator=(const thread_worker&) = delete;

  void run(std::function<void()> work, std::function<void()> done) override;

 private:
  struct job {
    std::function<void()> work, done;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keeps_loop_running;
  };

  void loop();

  boost::asio::io_context& io_;
  // What a posted `done` holds weakly, to see that the worker is gone.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job> jobs_;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace linkd::platform
