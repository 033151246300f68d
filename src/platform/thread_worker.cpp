#include "platform/thread_worker.hpp"

#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

namespace linkd::platform {

thread_worker::thread_worker(boost::asio::io_context& io, std::size_t threads) : io_(io) {
  // Signals belong to the main thread; here they would only interrupt system calls.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    while (threads_.size() < threads) threads_.emplace_back(&thread_worker::loop, this);
  } catch (...) {
    stop();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

thread_worker::~thread_worker() {
  stop();
}

void thread_worker::stop() {
  lanes dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(lanes_);
  }
  changed_.notify_all();
  dropped.clear();
  for (auto& each : threads_) each.join();
}

void thread_worker::run(const std::string& lane, std::function<void()> work,
                        std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    const auto where = lanes_.try_emplace(lane).first;
    where->second.push_back({std::move(work), std::move(done), boost::asio::make_work_guard(io_)});
    if (where->second.size() > 1) return;
    ready_.push_back(where);
  }
  changed_.notify_one();
}

void thread_worker::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const auto lane = ready_.front();
    ready_.pop_front();
    job next = std::move(lane->second.front());
    lock.unlock();
    next.work();
    boost::asio::post(io_, [finished = std::move(next), worker = std::weak_ptr(alive_)] {
      if (!worker.expired()) finished.done();
    });
    lock.lock();
    if (stopping_) return;
    lane->second.pop_front();
    if (lane->second.empty())
      lanes_.erase(lane);
    else
      ready_.push_back(lane);
  }
}

}  // namespace linkd::platform
