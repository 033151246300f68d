#include "link/link.hpp"

// What a person orders beside the configuration, and the common ends and beginnings.
namespace linkd::link {

void link::pause() {
  if (paused_) return;
  paused_ = true;
  save_paused();
  end_sessions(us_.deployment + " has paused its link to " + settings_.name);
  idle_state();
}

void link::resume() {
  if (!paused_) return;
  paused_ = false;
  save_paused();
  begin_anew(us_.deployment + " has resumed its link to " + settings_.name);
}

void link::begin_anew(const std::string& reason) {
  end_sessions(reason);
  next_server_ = 0;
  dial_delay_.reset();
  next_dial_ = env_.time.now();
  idle_state();
}

void link::end_sessions(const std::string& reason) {
  round_trip_.reset();
  candidate_->close();
  end_session(*dialled_, reason);
  end_session(accepted_, reason);
}

void link::save_paused() {
  store_->save_paused(paused_, [log = &env_.log, name = settings_.name](const result<void>& saved) {
    if (!saved) log->write(log_level::error, "pause_not_saved", name, saved.error().text);
  });
}

std::uint64_t link::purge() {
  const std::uint64_t purged = outbox_.purge();
  env_.log.write(log_level::warning, "queue_purged", settings_.name,
                 std::to_string(purged) + " messages were dropped by an operator");
  return purged;
}

}  // namespace linkd::link
