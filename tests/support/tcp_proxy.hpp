#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace linkd::test {

// A TCP relay on a free port of 127.0.0.1 in a thread of its own: the line between two sites, with
// its faults. Every call may come from any thread and has taken effect when it returns.
class tcp_proxy {
 public:
  explicit tcp_proxy(std::uint16_t target_port);  // throws boost::system::system_error
  ~tcp_proxy();
  tcp_proxy(const tcp_proxy&) = delete;
  tcp_proxy& operator=(const tcp_proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // Ends every connection and refuses new ones.
  void cut();
  // Connections stay, and new ones are accepted, but nothing comes through.
  void black_hole();
  // As black_hole(), one way only.
  enum class way { to_server, to_client };
  void black_hole(way which);
  // Every connection ends with an RST; new ones are accepted.
  void reset();
  // What is passed on comes later by this, each way.
  void set_delay(std::chrono::milliseconds delay);
  // Each way of each connection; 0: no limit.
  void set_bytes_per_s(std::size_t bytes_per_s_max);
  // Ends all of these; what was held back goes on.
  void restore();
  // Bytes of both directions since the beginning.
  [[nodiscard]] std::uint64_t relayed_bytes() const;
  // Made by clients since the beginning.
  [[nodiscard]] std::uint64_t connections() const;

 private:
  class relay;
  std::unique_ptr<relay> relay_;
};

}  // namespace linkd::test
