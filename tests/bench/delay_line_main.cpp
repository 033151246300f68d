// delay_line TARGET_PORT DELAY_MS: relays from a free port of 127.0.0.1, which is printed, to
// TARGET_PORT; every byte arrives DELAY_MS later, each way. Then obeys one command a line of its
// standard input, and ends with it:
//
//   bytes     prints what came through so far: to the target, back
//   cut       ends every connection and refuses new ones
//   restore   accepts again
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "tests/bench/delay_line.hpp"

namespace {

namespace asio = boost::asio;

void obey(const std::string& command, linkd::bench::delay_line& line) {
  if (command == "bytes") {
    std::cout << line.bytes_up() << ' ' << line.bytes_down() << std::endl;
  } else if (command == "cut") {
    line.cut();
  } else if (command == "restore") {
    line.restore();
  } else {
    std::cerr << "delay_line: no such command: " << command << '\n';
  }
}

void run(std::uint16_t target_port, std::chrono::microseconds delay) {
  asio::io_context io;
  linkd::bench::delay_line line(io, target_port, delay);
  std::cout << line.port() << std::endl;
  asio::posix::stream_descriptor input(io, 0);
  asio::streambuf typed;
  const std::function<void()> next = [&] {
    asio::async_read_until(input, typed, '\n', [&](const boost::system::error_code& ended, auto) {
      if (ended) return io.stop();
      std::string command;
      std::istream lines(&typed);
      std::getline(lines, command);
      obey(command, line);
      next();
    });
  };
  next();
  io.run();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: delay_line TARGET_PORT DELAY_MS\n";
    return 64;
  }
  try {
    const auto delay = std::chrono::duration<double, std::milli>(std::strtod(argv[2], nullptr));
    run(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)),
        std::chrono::duration_cast<std::chrono::microseconds>(delay));
  } catch (const std::exception& failed) {
    std::cerr << "delay_line: " << failed.what() << '\n';
    return 1;
  }
}
