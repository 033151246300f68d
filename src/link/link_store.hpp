#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "link/environment.hpp"
#include "link/interest_file.hpp"
#include "mqtt_linkd/settings.hpp"
#include "queue/dead_letters.hpp"
#include "queue/link_queue.hpp"
#include "queue/slot_file.hpp"
#include "wire/frame.hpp"

namespace linkd::link {

// One link's directory: queue, cursor, interest, pause, dead letters. open() blocks and is for the
// start of a link; everything afterwards goes through the worker. Shared by the link and the works
// under way, so that a link can be removed while one runs.
class link_store : public std::enable_shared_from_this<link_store> {
 public:
  // Recovers. What was damaged is in `found` for the log; errors are what makes the link
  // impossible.
  static result<std::shared_ptr<link_store>> open(const environment& env,
                                                  const link_settings& settings,
                                                  std::vector<queue::damage>& found);

  queue::link_queue& messages() { return *queue_; }
  [[nodiscard]] const std::optional<wire::cursor>& saved_cursor() const { return saved_cursor_; }
  [[nodiscard]] const std::optional<saved_interest>& interest() const { return interest_; }
  [[nodiscard]] bool paused() const { return paused_; }

  // `done` runs on the main thread with the outcome.
  using outcome = std::function<void(const result<void>&)>;
  void save_cursor(const wire::cursor& position, bool sync, outcome done);
  void save_interest(saved_interest what, outcome done);
  void save_paused(bool paused, outcome done);
  // If it cannot be saved, that is logged.
  void save_dead_letter(queue::dead_letters::letter what);

  // The queue's next due work; false if there is none or one is under way.
  bool commit(outcome done);

 private:
  link_store(const environment& env, std::string link)
      : env_(env), link_(std::move(link)), directory_("links/" + link_) {}
  void run(std::function<result<void>()> work, outcome done);

  environment env_;
  std::string link_, directory_;
  std::unique_ptr<queue::link_queue> queue_;
  std::optional<queue::slot_file> cursor_;
  std::optional<queue::dead_letters> dead_letters_;
  std::optional<wire::cursor> saved_cursor_;
  std::optional<saved_interest> interest_;
  bool paused_ = false;
};

}  // namespace linkd::link
