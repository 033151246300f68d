#include "queue/slot_file.hpp"

#include "base/coding.hpp"
#include "base/crc32c.hpp"

namespace linkd::queue {
namespace {

constexpr std::size_t slot_bytes = 512;
constexpr bytes_view slot_magic = "linkdslt";
constexpr std::size_t value_at = 20;

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bytes encode_slot(std::uint64_t generation, bytes_view value) {
  bytes out(slot_magic);
  put_le(out, generation);
  put_le(out, static_cast<std::uint32_t>(value.size()));
  out += value;
  put_le(out, crc32c(out));
  out.resize(slot_bytes, '\0');
  return out;
}

struct slot {
  std::uint64_t generation = 0;
  bytes_view value;
};

std::optional<slot> decode_slot(bytes_view in) {
  if (in.size() != slot_bytes || !in.starts_with(slot_magic)) return std::nullopt;
  const auto length = get_le<std::uint32_t>(in.substr(16));
  if (length > slot_file::value_bytes_max) return std::nullopt;
  if (get_le<std::uint32_t>(in.substr(value_at + length)) !=
      crc32c(in.substr(0, value_at + length)))
    return std::nullopt;
  return slot{get_le<std::uint64_t>(in.substr(8)), in.substr(value_at, length)};
}

result<std::unique_ptr<file>> create(storage& disk, const std::string& path) {
  auto created = disk.open(path, open_mode::create_new);
  if (!created) return created.error();
  if (auto done = (*created)->allocate(2 * slot_bytes); !done) return done.error();
  if (auto done = (*created)->sync(); !done) return done.error();
  if (auto done = disk.sync_directory(parent(path)); !done) return done.error();
  return created;
}

}  // namespace

result<slot_file> slot_file::open(storage& disk, const std::string& path) {
  slot_file opened;
  auto found = disk.open(path, open_mode::existing);
  if (!found && found.error().code == errc::not_found) {
    found = create(disk, path);
    // What a full disk left of it would stand in the way of the next attempt's allocation.
    if (!found) (void)disk.remove(path);
  }
  if (!found) return found.error();
  opened.file_ = std::move(*found);

  bytes content(2 * slot_bytes, '\0');
  const auto got = opened.file_->read_at(0, content);
  if (!got) return got.error();
  for (const std::size_t index : {0u, 1u}) {
    const auto each = decode_slot(bytes_view(content).substr(index * slot_bytes, slot_bytes));
    if (!each || each->generation <= opened.generation_) continue;
    opened.generation_ = each->generation;
    opened.value_ = bytes(each->value);
    opened.synced_slot_ = index;
  }
  if (!opened.value_) return opened;
  // It may come from a process whose sync failed: the system counts it as written then, and only a
  // new write changes that.
  const auto again = encode_slot(opened.generation_, *opened.value_);
  if (auto done = opened.file_->write_at(opened.synced_slot_ * slot_bytes, again); !done)
    return done.error();
  if (auto done = opened.file_->sync(); !done) return done.error();
  return opened;
}

result<void> slot_file::write(bytes_view value, bool sync) {
  if (value.size() > value_bytes_max) return error{errc::too_large, "value of a slot file"};
  const auto target = 1 - synced_slot_;
  if (auto done = file_->write_at(target * slot_bytes, encode_slot(generation_ + 1, value)); !done)
    return done;
  ++generation_;
  value_ = bytes(value);
  if (!sync) return {};
  if (auto done = file_->sync(); !done) return done;
  synced_slot_ = target;
  return {};
}

result<void> replace_file(storage& disk, const std::string& path, bytes_view content) {
  const auto fresh = path + ".new";
  const auto write = [&]() -> result<void> {
    auto target = disk.open(fresh, open_mode::create_new);
    if (!target) return target.error();
    if (auto done = (*target)->write_at(0, content); !done) return done;
    return (*target)->sync();
  };
  if (auto gone = disk.remove(fresh); !gone && gone.error().code != errc::not_found) return gone;
  if (auto done = write(); !done) {
    (void)disk.remove(fresh);
    return done;
  }
  if (auto done = disk.rename(fresh, path); !done) return done;
  return disk.sync_directory(parent(path));
}

result<bytes> read_file(storage& disk, const std::string& path, std::size_t bytes_max) {
  auto source = disk.open(path, open_mode::existing);
  if (!source) return source.error();
  const auto size = (*source)->size();
  if (!size) return size.error();
  if (*size > bytes_max) return error{errc::too_large, path + ": larger than it may be"};
  bytes content(*size, '\0');
  const auto got = (*source)->read_at(0, content);
  if (!got) return got.error();
  content.resize(*got);
  return content;
}

}  // namespace linkd::queue
