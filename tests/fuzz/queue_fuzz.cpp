// A queue's directory in which anything may stand: it opens (or says why not), reads to its end,
// takes new records and keeps them. Checksums are made right again where the input asks for it: a
// fuzzer does not guess them.
#include <memory>
#include <string>
#include <vector>

#include "queue/format.hpp"
#include "queue/link_queue.hpp"
#include "queue/slot_file.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/memory_storage.hpp"

using namespace linkd;
using namespace linkd::queue;

namespace {

constexpr std::uint64_t log_id = 0x1122334455667788;

queue_settings small() {
  queue_settings settings;
  settings.bytes_max = 1u << 20;
  return settings;
}

bool commit(link_queue& queue) {
  const auto job = queue.start_commit();
  if (!job) return true;
  job->run();
  return queue.finish_commit(job, 0x77).has_value();
}

// Two segments and a half, the first partly delivered.
void fill(test::memory_storage& disk) {
  std::vector<damage> found;
  auto queue = link_queue::open(disk, "queue", small(), log_id, stamp{}, found);
  for (int i = 0; i < 12; ++i) {
    for (int k = 0; k < 3; ++k) (void)(*queue)->append(bytes(4000, char('a' + i)), stamp{});
    (void)commit(**queue);
  }
  (*queue)->release(5);
  (void)commit(**queue);
}

std::string some_path(const test::memory_storage& disk, fuzz::input& in) {
  const auto all = disk.paths();
  return all.empty() ? "queue/checkpoint" : all[in.octet() % all.size()];
}

void change(test::memory_storage& disk, fuzz::input& in) {
  const std::string path = some_path(disk, in);
  bytes content = disk.paths().empty() ? bytes() : disk.contents(path);
  switch (in.octet() % 8) {
    case 0: {  // other bytes somewhere
      const auto what = in.text();
      const auto at = in.below(content.size() + 1);
      if (at + what.size() <= content.size()) content.replace(at, what.size(), what);
      break;
    }
    case 1:
      content.resize(in.number(3) % (segment_bytes_min + 1));
      break;
    case 2: {  // another header, well-formed
      segment_header header;
      header.version = in.octet() == 0 ? 2 : format_version;
      header.log_id = in.octet() == 0 ? in.number(8) : log_id;
      header.number = in.octet() == 0 ? in.number(8) : segment_number(path.substr(6)).value_or(1);
      header.first_offset = in.octet() == 0 ? in.number(8) : in.below(40);
      header.body_bytes_before = in.number(in.octet() % 9);
      header.first_captured_ms = in.number(in.octet() % 9);
      content.replace(0, std::min(content.size(), records_at), encode(header));
      break;
    }
    case 3: {  // another record, well-formed
      record_header header;
      header.offset = in.octet() == 0 ? in.number(8) : in.below(40);
      header.captured_ms = in.number(in.octet() % 9);
      header.index_in_commit = static_cast<std::uint32_t>(in.number(in.octet() % 5));
      bytes record;
      append_record(record, log_id, header, in.text());
      const auto at = records_at + in.below(20) * record_stride(4000) + in.octet() % 16 * 8;
      if (at + record.size() <= content.size()) content.replace(at, record.size(), record);
      break;
    }
    case 4: {  // another checkpoint, well-formed
      checkpoint mark;
      mark.flags = in.octet() % 4;
      mark.log_id = in.octet() == 0 ? in.number(8) : log_id;
      mark.queue_id = in.number(2);
      mark.begin = in.octet() == 0 ? in.number(8) : in.below(40);
      mark.end = in.octet() == 0 ? in.number(8) : mark.begin + in.below(40);
      if (auto slots = slot_file::open(disk, "queue/checkpoint"))
        (void)slots->write(encode(mark), true);
      return;
    }
    case 5:
      (void)disk.remove(path);
      return;
    case 6: {  // two change places
      const std::string other = some_path(disk, in);
      const bytes theirs = disk.contents(other);
      disk.set_contents(other, content);
      content = theirs;
      break;
    }
    default:  // one from somewhere else
      disk.set_contents("queue/" + segment_name(in.number(in.octet() % 5)), content);
      return;
  }
  disk.set_contents(path, content);
}

void read_all(link_queue& queue, std::uint64_t step) {
  std::vector<damage> found;
  for (auto offset = queue.begin(); offset < queue.end();) {
    const auto batch = queue.read(offset, step, found);
    fuzz::must(batch.end > offset, "reading goes on");
    for (const auto& each : batch.records)
      fuzz::must(each.offset >= offset && each.offset < batch.end, "records are in their batch");
    offset = batch.end;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  test::memory_storage disk;
  fill(disk);
  for (int changes = 0; changes < 12 && !in.empty(); ++changes) change(disk, in);
  for (int life = 0; life < 2; ++life) {
    std::vector<damage> found;
    auto opened = link_queue::open(disk, "queue", small(), 7, stamp{}, found);
    fuzz::must(opened.has_value(), "a queue opens whatever stands there");
    link_queue& queue = **opened;
    fuzz::must(queue.begin() <= queue.end(), "begin and end");
    // What a forged header may claim: more offsets than anybody will ever read.
    if (queue.end() - queue.begin() < 100'000) read_all(queue, 1 + size % 50'000);
    const auto end = queue.end();
    if (!queue.append("fresh", stamp{}) || !commit(queue)) return 0;
    const auto batch = queue.read(end, 100, found);
    fuzz::must(batch.records.size() == 1 && batch.records[0].body == "fresh",
               "what is stored is read");
  }
  return 0;
}
