#include "queue/segment_walker.hpp"

#include <algorithm>

#include "base/coding.hpp"
#include "base/crc32c.hpp"

namespace linkd::queue {
namespace {

constexpr std::uint64_t buffer_bytes = 64u << 10;
constexpr std::uint64_t block_bytes = 4096;

// How far to go from a place where no record begins: to the next step, past zeros at once.
std::uint64_t steps_to_skip(bytes_view from) {
  const auto used = from.find_first_not_of('\0');
  const auto zeros = used == bytes_view::npos ? from.size() : used;
  return std::max<std::uint64_t>(zeros / record_alignment * record_alignment, record_alignment);
}

}  // namespace

segment_walker::outcome segment_walker::peek(walk_end end, bool with_body) {
  if (current_ && (has_body_ || !with_body)) return outcome::record;
  current_.reset();
  auto lowest = offset_;
  auto at = position_;
  while (lowest < end.offset && at + record_header_bytes <= end.position) {
    const auto here = view(at, record_header_bytes, end.position);
    if (!here) return outcome::unreadable;
    if (here->size() < record_header_bytes) break;
    std::optional<record_header> header;
    if (get_le<std::uint64_t>(*here) != 0) header = decode_record_header(*here, log_id_);
    if (!header || header->offset < lowest || header->offset >= end.offset ||
        header->index_in_commit > header->offset ||
        header->length > end.position - at - record_header_bytes) {
      at += steps_to_skip(*here);
      continue;
    }
    record found{*header, at, {}};
    if (with_body) {
      const auto whole = view(at, record_header_bytes + header->length, end.position);
      if (!whole) return outcome::unreadable;
      found.body = whole->substr(record_header_bytes, header->length);
      if (found.body.size() < header->length || crc32c(found.body) != header->body_crc) {
        lowest = header->offset + 1;
        at += record_stride(header->length);
        continue;
      }
    }
    current_ = found;
    has_body_ = with_body;
    return outcome::record;
  }
  return outcome::end;
}

void segment_walker::pop() {
  offset_ = current_->header.offset + 1;
  position_ = current_->position + record_stride(current_->header.length);
  body_bytes_ += current_->header.length;
  current_.reset();
}

std::optional<bytes_view> segment_walker::view(std::uint64_t position, std::uint64_t bytes_min,
                                               std::uint64_t end) {
  const auto wanted = std::min(bytes_min, end - position);
  const auto buffered_end = buffer_at_ + buffer_.size();
  if (position < buffer_at_ || position + wanted > buffered_end) {
    if (!fill(position, std::min(std::max(bytes_min, buffer_bytes), end - position)))
      return std::nullopt;
  }
  return bytes_view(buffer_).substr(position - buffer_at_);
}

bool segment_walker::fill(std::uint64_t position, std::uint64_t size) {
  if (buffer_.capacity() > 4 * std::max(size, buffer_bytes)) bytes().swap(buffer_);
  buffer_.resize(size);
  buffer_at_ = position;
  const auto got = source_->read_at(position, buffer_);
  if (got) {
    buffer_.resize(*got);
    return true;
  }
  if (fill_by_blocks()) return true;
  buffer_.clear();
  return false;
}

// A block that cannot be read counts as zeros, so that one bad block costs its own records only;
// but not if even the front of the file cannot be read: then it is the disk that fails.
bool segment_walker::fill_by_blocks() {
  bytes front(records_at, '\0');
  if (!source_->read_at(0, front)) return false;
  for (std::uint64_t done = 0; done < buffer_.size();) {
    const auto until_boundary = block_bytes - (buffer_at_ + done) % block_bytes;
    const auto part = std::min(until_boundary, buffer_.size() - done);
    const std::span<char> block(buffer_.data() + done, part);
    if (!source_->read_at(buffer_at_ + done, block)) std::fill(block.begin(), block.end(), '\0');
    done += part;
  }
  return true;
}

}  // namespace linkd::queue
