#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "platform/thread_worker.hpp"
#include "tests/support/run_until.hpp"

using namespace linkd;
using platform::thread_worker;

TEST_CASE("worker: works run in order off the thread, their ends in order on it", "[platform]") {
  boost::asio::io_context io;
  thread_worker worker(io);
  const auto main_thread = std::this_thread::get_id();
  std::vector<int> worked, done;  // `worked` is the worker's until the last `done`
  bool right_threads = true;
  for (int i = 0; i < 100; ++i) {
    worker.run(
        "lane",
        [&, i] {
          if (std::this_thread::get_id() == main_thread) std::terminate();
          worked.push_back(i);
        },
        [&, i] {
          right_threads = right_threads && std::this_thread::get_id() == main_thread;
          done.push_back(i);
        });
  }
  // No work guard of ours: open calls keep the loop running.
  io.run();
  CHECK(right_threads);
  REQUIRE(done.size() == 100);
  CHECK(worked == done);
  CHECK(std::is_sorted(done.begin(), done.end()));
}

TEST_CASE("worker: works of two lanes run side by side", "[platform]") {
  boost::asio::io_context io;
  thread_worker worker(io, 2);
  std::promise<void> here, there;
  int met = 0;
  const auto meet = [](std::promise<void>& mine, std::promise<void>& other) {
    return [&mine, &other] {
      mine.set_value();
      if (other.get_future().wait_for(std::chrono::seconds(20)) != std::future_status::ready)
        std::terminate();
    };
  };
  worker.run("one", meet(here, there), [&] { ++met; });
  worker.run("another", meet(there, here), [&] { ++met; });
  io.run();
  CHECK(met == 2);
}

TEST_CASE("worker: a work may be asked for from the end of another", "[platform]") {
  boost::asio::io_context io;
  thread_worker worker(io);
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds < 10)
      worker.run(
          "lane", [] {}, again);
  };
  worker.run(
      "lane", [] {}, again);
  io.run();
  CHECK(rounds == 10);
}

TEST_CASE("worker: its end waits for the running work, drops the rest, ends nothing",
          "[platform]") {
  boost::asio::io_context io;
  std::promise<void> started, dropped;
  std::atomic<bool> finished = false, dropped_ran = false;
  bool done_ran = false, dropped_in_time = false;
  {
    thread_worker worker(io);
    // Runs until the destructor has dropped the work behind it.
    worker.run(
        "lane",
        [&] {
          started.set_value();
          const auto is_dropped = dropped.get_future().wait_for(std::chrono::seconds(20));
          dropped_in_time = is_dropped == std::future_status::ready;
          finished = true;
        },
        [&] { done_ran = true; });
    std::shared_ptr<void> witness(nullptr, [&](void*) { dropped.set_value(); });
    worker.run(
        "lane", [&dropped_ran, held = std::move(witness)] { dropped_ran = true; },
        [&] { done_ran = true; });
    started.get_future().wait();
  }
  CHECK(finished);
  CHECK(dropped_in_time);
  io.run();
  CHECK_FALSE(dropped_ran);
  CHECK_FALSE(done_ran);
}

TEST_CASE("worker: may be destroyed from the end of a work", "[platform]") {
  boost::asio::io_context io;
  auto worker = std::make_unique<thread_worker>(io);
  int ends = 0;
  for (int i = 0; i < 3; ++i) {
    worker->run(
        "lane", [] {},
        [&] {
          ++ends;
          worker.reset();
        });
  }
  io.run();
  CHECK(ends == 1);
}

TEST_CASE("worker: both functions are destroyed on the caller's thread", "[platform]") {
  boost::asio::io_context io;
  const auto main_thread = std::this_thread::get_id();
  std::atomic<int> destroyed_here = 0, destroyed_elsewhere = 0;
  const auto witness = [&] {
    return std::shared_ptr<int>(new int, [&](const int* held) {
      delete held;
      ++(std::this_thread::get_id() == main_thread ? destroyed_here : destroyed_elsewhere);
    });
  };
  thread_worker worker(io);
  worker.run(
      "lane", [held = witness()] {}, [held = witness()] {});
  io.run();
  CHECK(destroyed_here == 2);
  CHECK(destroyed_elsewhere == 0);
}
