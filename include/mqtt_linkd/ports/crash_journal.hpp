#pragma once

#include <cstdint>
#include <vector>

namespace linkd {

// Neighbouring records of one queue: of our own under the id it was born with, of a peer's under
// the id the peer tells. Ids are unique among all daemons.
struct queue_records {
  std::uint64_t queue_id = 0;
  std::uint64_t begin = 0, end = 0;  // offsets

  bool operator==(const queue_records&) const = default;
};

// Knows, when the process crashes, which records the main thread had in hand, and tells the next
// lives. A crash is a fault of the program (SIGSEGV, SIGABRT and their like): who is killed from
// outside leaves nothing behind. One thread; cheap enough for every record.
class crash_journal {
 public:
  virtual ~crash_journal() = default;
  virtual void take(const queue_records& in_hand) = 0;
  virtual void put_down() = 0;
  // What earlier lives had in hand when they crashed, one entry a crash, the oldest first; the
  // latest of them.
  [[nodiscard]] virtual const std::vector<queue_records>& crashes() const = 0;
};

// These records are in hand as long as the object lives; one at a time.
class in_hand {
 public:
  in_hand(crash_journal& journal, const queue_records& what) : journal_(journal) {
    journal_.take(what);
  }
  ~in_hand() { journal_.put_down(); }
  in_hand(const in_hand&) = delete;
  in_hand& operator=(const in_hand&) = delete;

 private:
  crash_journal& journal_;
};

}  // namespace linkd
