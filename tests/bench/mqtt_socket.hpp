#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/mqtt_packets.hpp"

namespace linkd::bench {

// One MQTT connection to a broker on 127.0.0.1: reads in bulk, writes what has gathered in one
// call, never blocks after the handshake. Throws std::system_error and std::runtime_error.
class mqtt_socket {
 public:
  // Connects and waits for the CONNACK.
  mqtt_socket(std::uint16_t port, const std::string& client_id);
  ~mqtt_socket();
  mqtt_socket(mqtt_socket&& other) noexcept;
  mqtt_socket& operator=(mqtt_socket&&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Waits for the SUBACK.
  void subscribe(const std::string& filter, std::uint8_t qos);

  // What is appended here goes out with the next flush().
  std::string& out() { return out_; }
  [[nodiscard]] std::size_t unsent_bytes() const { return out_.size() - sent_bytes_; }
  // Writes as much as the kernel takes.
  void flush();

  // Reads what is there, and calls on_packet(packet) for each whole packet.
  template <class Handler>
  void read(Handler on_packet) {
    fill();
    std::string_view rest(in_.data(), in_bytes_);
    while (const auto next = take_packet(rest)) on_packet(*next);
    std::copy(rest.begin(), rest.end(), in_.begin());
    in_bytes_ = rest.size();
  }

 private:
  void fill();
  void await(packet_type wanted);

  int descriptor_;
  std::vector<char> in_;
  std::size_t in_bytes_ = 0;
  std::string out_;
  std::size_t sent_bytes_ = 0;  // of out_
};

}  // namespace linkd::bench
