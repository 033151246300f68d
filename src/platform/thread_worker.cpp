#include "platform/thread_worker.hpp"

#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

namespace linkd::platform {

thread_worker::thread_worker(boost::asio::io_context& io) : io_(io) {
  // Signals belong to the main thread; here they would only interrupt system calls.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread(&thread_worker::loop, this);
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

thread_worker::~thread_worker() {
  std::deque<job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  changed_.notify_one();
  dropped.clear();
  thread_.join();
}

void thread_worker::run(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(done), boost::asio::make_work_guard(io_)});
  }
  changed_.notify_one();
}

void thread_worker::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    job next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    next.work();
    boost::asio::post(io_, [finished = std::move(next), worker = std::weak_ptr(alive_)] {
      if (!worker.expired()) finished.done();
    });
    lock.lock();
  }
}

}  // namespace linkd::platform
