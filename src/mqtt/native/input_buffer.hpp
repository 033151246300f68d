#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "mqtt_linkd/bytes.hpp"

namespace linkd::mqtt::native {

// What was read and not taken yet. Its memory grows with what arrives, never with what a length
// field announces, and shrinks back once a large packet is gone.
class input_buffer {
 public:
  static constexpr std::size_t usual_bytes = 1u << 20;

  // Where the next bytes go: room() of them at least 1.
  char* tail() {
    make_room();
    return memory_.data() + end_;
  }
  [[nodiscard]] std::size_t room() const { return memory_.size() - end_; }
  void filled(std::size_t size) { end_ += size; }

  [[nodiscard]] bytes_view view() const { return {memory_.data() + begin_, end_ - begin_}; }
  // Forgets all but the last `left` bytes of view().
  void keep(std::size_t left) {
    begin_ = end_ - left;
    if (left == 0) begin_ = end_ = 0;
    if (memory_.size() > usual_bytes && left < usual_bytes / 2) resize(usual_bytes);
  }

 private:
  void make_room() {
    if (memory_.empty()) memory_.resize(usual_bytes);
    if (begin_ > 0) to_front();
    if (end_ == memory_.size()) resize(2 * memory_.size());
  }
  void to_front() {
    std::memmove(memory_.data(), memory_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  void resize(std::size_t size) {
    std::vector<char> other(size);
    std::copy_n(memory_.data() + begin_, end_ - begin_, other.data());
    memory_.swap(other);
    end_ -= begin_;
    begin_ = 0;
  }

  std::vector<char> memory_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace linkd::mqtt::native
