#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "mqtt_linkd/limits.hpp"
#include "platform/crash_notes.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linkd;
using platform::crash_notes;

namespace {

constexpr queue_records one{7, 100, 101};
constexpr queue_records several{0xfedcba9876543210, 5, 50};

struct lives {
  // A process of its own lives and ends so; the signal that it died of, 0 if it ended by itself.
  int live(const std::function<void(crash_notes&)>& life) const {
    const pid_t child = ::fork();
    if (child == 0) {
      for (const int each : {SIGSEGV, SIGABRT, SIGTERM})
        ::signal(each, SIG_DFL);  // they are Catch's
      crash_notes notes(path);
      life(notes);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  std::vector<queue_records> crashes() const { return crash_notes(path).crashes(); }

  test::temp_dir directory;
  std::string path = (directory.path() / "crashes").string();
};

using held = std::vector<queue_records>;

}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

void fault() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

// The stack is used up: the handler needs one of its own.
std::size_t recurse(std::size_t depth) {
  volatile char frame[4096];
  frame[depth % sizeof(frame)] = 1;
  return depth == SIZE_MAX ? 0 : recurse(depth + 1) + static_cast<std::size_t>(frame[0]);
}

}  // namespace

TEST_CASE("crash notes: what is in hand when the program fails is known to the next life",
          "[platform]") {
  const lives all;
  CHECK(all.crashes().empty());
  CHECK(all.live([](crash_notes& notes) {
    const in_hand guard(notes, one);
    fault();
  }) == SIGSEGV);
  CHECK(all.crashes() == held{one});
  CHECK(all.live([](crash_notes& notes) {
    const in_hand guard(notes, several);
    std::abort();
  }) == SIGABRT);
  CHECK(all.live([](crash_notes& notes) {
    const in_hand guard(notes, one);
    recurse(0);
  }) == SIGSEGV);
  CHECK(all.crashes() == held{one, several, one});
}

TEST_CASE("crash notes: a watchdog's SIGABRT is a crash, once", "[platform]") {
  const lives all;
  CHECK(all.live([](crash_notes& notes) {
    const in_hand guard(notes, one);
    ::kill(::getpid(), SIGABRT);
    for (;;) ::pause();
  }) == SIGABRT);
  CHECK(all.crashes() == held{one});
}

TEST_CASE("crash notes: nothing is noted with nothing in hand", "[platform]") {
  const lives all;
  CHECK(all.live([](crash_notes& notes) {
    { const in_hand guard(notes, one); }
    fault();
  }) == SIGSEGV);
  CHECK(all.crashes().empty());
}

TEST_CASE("crash notes: who is killed leaves no note", "[platform]") {
  const lives all;
  for (const int each : {SIGKILL, SIGTERM}) {
    CHECK(all.live([&](crash_notes& notes) {
      const in_hand guard(notes, one);
      ::kill(::getpid(), each);
      for (;;) ::pause();
    }) == each);
  }
  CHECK(all.crashes().empty());
}

TEST_CASE("crash notes: the fault of another thread is no record's", "[platform]") {
  const lives all;
  CHECK(all.live([](crash_notes& notes) {
    const in_hand guard(notes, one);
    std::thread(fault).join();
  }) == SIGSEGV);
  CHECK(all.crashes().empty());
}
#endif

TEST_CASE("crash notes: the latest are kept, whatever the file looks like", "[platform]") {
  const lives all;
  const auto crash_with = [&](std::uint64_t offset) {
    return all.live([&](crash_notes& notes) {
      const in_hand guard(notes, {7, offset, offset + 1});
      std::abort();
    });
  };
  REQUIRE(crash_with(0) == SIGABRT);
  SECTION("many") {
    std::ifstream in(all.path, std::ios::binary);
    const std::string note((std::istreambuf_iterator<char>(in)), {});
    std::ofstream out(all.path, std::ios::binary | std::ios::app);
    for (int i = 0; i < 200; ++i) out << note;
  }
  SECTION("one that was cut off") {
    std::ofstream(all.path, std::ios::binary | std::ios::app) << "cut off";
  }
  SECTION("bytes that are no note") {
    std::ofstream(all.path, std::ios::binary) << std::string(100'000, 'x');
  }
  REQUIRE(crash_with(1) == SIGABRT);
  const auto found = all.crashes();
  CHECK(found.size() <= limits::crash_notes_max);
  REQUIRE_FALSE(found.empty());
  CHECK(found.back() == queue_records{7, 1, 2});
  CHECK(std::filesystem::file_size(all.path) == found.size() * 32);
}

TEST_CASE("crash notes: without a file crashes are forgotten, and it says why", "[platform]") {
  const lives all;
  const crash_notes notes(all.path + "/no/such/directory");
  REQUIRE(notes.failure());
  CHECK(notes.failure()->text.find("no/such/directory") != std::string::npos);
  CHECK(notes.crashes().empty());
}
