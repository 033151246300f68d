#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "platform/process.hpp"
#include "tests/support/run_until.hpp"

using namespace linkd;
using platform::signal_listener;

TEST_CASE("signals: HUP reloads, TERM and INT stop, each time", "[platform]") {
  boost::asio::io_context io;
  int reloads = 0, stops = 0;
  const signal_listener listener(
      io, [&] { ++reloads; }, [&] { ++stops; });
  ::raise(SIGHUP);
  ::raise(SIGTERM);
  CHECK(test::run_until(io, [&] { return reloads == 1 && stops == 1; }));
  ::raise(SIGHUP);
  ::raise(SIGINT);
  CHECK(test::run_until(io, [&] { return reloads == 2 && stops == 2; }));
}

TEST_CASE("signals: the listener may end from its own call", "[platform]") {
  boost::asio::io_context io;
  int stops = 0;
  std::unique_ptr<signal_listener> listener;
  listener = std::make_unique<signal_listener>(
      io, [] {},
      [&] {
        ++stops;
        listener.reset();
      });
  ::raise(SIGTERM);
  io.run();
  CHECK(stops == 1);
}

TEST_CASE("signals: one that comes before there is a listener waits for it", "[platform]") {
  platform::harden_process();
  ::raise(SIGTERM);
  boost::asio::io_context io;
  int stops = 0;
  const signal_listener listener(
      io, [] {}, [&] { ++stops; });
  CHECK(test::run_until(io, [&] { return stops == 1; }));
}

TEST_CASE("signals: after the listener TERM ends the process at once, with 0", "[platform]") {
  const pid_t child = ::fork();
  if (child == 0) {
    boost::asio::io_context io;
    {
      const signal_listener listener(
          io, [] {}, [] {});
    }
    ::raise(SIGHUP);
    ::raise(SIGTERM);
    ::_exit(1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("process: files are ours alone, closed pipes and size limits are errors", "[platform]") {
  platform::harden_process();
  const mode_t mask = ::umask(0077);
  CHECK(mask == 0077);

  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  CHECK(::write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  ::close(ends[1]);

  std::FILE* file = std::tmpfile();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{16, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto written = ::pwrite(::fileno(file), "x", 1, 16);
  const int failed = errno;
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(written == -1);
  CHECK(failed == EFBIG);
  std::fclose(file);
}
