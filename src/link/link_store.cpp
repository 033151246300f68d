#include "link/link_store.hpp"

#include "base/coding.hpp"

namespace linkd::link {
namespace {

bytes encode_cursor(const wire::cursor& position) {
  bytes out;
  put_le<std::uint64_t>(out, position.queue_id);
  put_le<std::uint64_t>(out, position.offset);
  return out;
}

std::optional<wire::cursor> decode_cursor(bytes_view in) {
  const auto queue_id = take_le<std::uint64_t>(in);
  const auto offset = take_le<std::uint64_t>(in);
  if (!queue_id || !offset) return std::nullopt;
  return wire::cursor{*queue_id, *offset};
}

}  // namespace

result<std::shared_ptr<link_store>> link_store::open(const environment& env,
                                                     const link_settings& settings,
                                                     std::vector<queue::damage>& found) {
  std::shared_ptr<link_store> store(new link_store(env, settings.name));
  const std::string& directory = store->directory_;
  if (const auto made = env.disk.make_directory(directory); !made) return made.error();

  auto messages = queue::link_queue::open(env.disk, directory + "/queue", settings.queue,
                                          env.random.next() | 1, env.time.unix_time(), found);
  if (!messages) return messages.error();
  store->queue_ = std::move(*messages);

  auto cursor = queue::slot_file::open(env.disk, directory + "/cursor");
  if (!cursor) return cursor.error();
  store->cursor_ = std::move(*cursor);
  if (store->cursor_->value()) store->saved_cursor_ = decode_cursor(*store->cursor_->value());

  auto letters = queue::dead_letters::open(env.disk, directory + "/dead-letters");
  if (!letters) return letters.error();
  store->dead_letters_ = std::move(*letters);

  const auto content = queue::read_file(env.disk, directory + "/interest", interest_file_bytes_max);
  if (content) {
    const auto interest = decode_interest(*content);
    if (interest) {
      store->interest_ = *interest;
    } else {
      found.push_back({directory + "/interest", interest.error().text, 0});
    }
  } else if (content.error().code != errc::not_found) {
    return content.error();
  }
  store->paused_ = queue::read_file(env.disk, directory + "/paused", 0).has_value();
  return store;
}

void link_store::run(std::function<result<void>()> work, outcome done) {
  const auto told = std::make_shared<result<void>>();
  env_.background.run(
      directory_, [work = std::move(work), told] { *told = work(); },
      [self = shared_from_this(), told, done = std::move(done)] { done(*told); });
}

void link_store::save_cursor(const wire::cursor& position, bool sync, outcome done) {
  run([self = shared_from_this(), value = encode_cursor(position),
       sync] { return self->cursor_->write(value, sync); },
      std::move(done));
}

void link_store::save_interest(saved_interest what, outcome done) {
  run(
      [self = shared_from_this(), content = encode_interest(what)] {
        return queue::replace_file(self->env_.disk, self->directory_ + "/interest", content);
      },
      std::move(done));
}

void link_store::save_paused(bool paused, outcome done) {
  run(
      [self = shared_from_this(), paused]() -> result<void> {
        const std::string file = self->directory_ + "/paused";
        if (paused) return queue::replace_file(self->env_.disk, file, {});
        const auto gone = self->env_.disk.remove(file);
        if (!gone && gone.error().code != errc::not_found) return gone;
        return self->env_.disk.sync_directory(self->directory_);
      },
      std::move(done));
}

void link_store::save_dead_letter(queue::dead_letters::letter what) {
  run([self = shared_from_this(),
       what = std::move(what)] { return self->dead_letters_->append(what); },
      [this](const result<void>& saved) {
        if (saved) return;
        env_.log.write(log_level::error, "dead_letter_lost", link_, saved.error().text);
      });
}

bool link_store::commit(outcome done) {
  auto job = queue_->start_commit();
  if (!job) return false;
  env_.background.run(
      directory_, [job] { job->run(); },
      [self = shared_from_this(), job, done = std::move(done)] {
        done(self->queue_->finish_commit(job, self->env_.random.next() | 1));
      });
  return true;
}

}  // namespace linkd::link
