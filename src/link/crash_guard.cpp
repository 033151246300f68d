#include "link/crash_guard.hpp"

#include "base/coding.hpp"

namespace linkd::link {

bytes crash_guard::encode(const note& what) {
  bytes out;
  put_le<std::uint64_t>(out, what.position.queue_id);
  put_le<std::uint64_t>(out, what.position.offset);
  put_le<std::uint32_t>(out, what.trials);
  return out;
}

std::optional<crash_guard::note> crash_guard::decode(bytes_view in) {
  const auto queue_id = take_le<std::uint64_t>(in);
  const auto offset = take_le<std::uint64_t>(in);
  const auto trials = take_le<std::uint32_t>(in);
  if (!queue_id || !offset || !trials) return std::nullopt;
  return note{{*queue_id, *offset}, *trials};
}

result<crash_guard> crash_guard::open(storage& disk, const std::string& path,
                                      const std::optional<wire::cursor>& saved) {
  auto file = queue::slot_file::open(disk, path);
  if (!file) return file.error();
  crash_guard opened(std::move(*file));
  const note begin{saved.value_or(wire::cursor{}), 0};
  const auto found = decode(opened.file_.value().value_or(bytes()));
  if (found) {
    opened.earlier_ = *found;
    opened.careful_ = found->trials > 0 || found->position == begin.position;
  }
  // What is on trial stays so until another is. If this cannot be written, a death goes unnoticed.
  if (!found || found->trials == 0) (void)opened.file_.write(encode(begin), false);
  return opened;
}

std::uint32_t crash_guard::deaths(const wire::cursor& record) const {
  return earlier_.position == record ? earlier_.trials : 0;
}

result<void> crash_guard::begin_trial(const wire::cursor& record) {
  return file_.write(encode({record, deaths(record) + 1}), false);
}

}  // namespace linkd::link
