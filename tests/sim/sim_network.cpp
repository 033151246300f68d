#include "tests/sim/sim_network.hpp"

#include <algorithm>
#include <vector>

#include "mqtt_linkd/limits.hpp"

namespace linkd::sim {

// One end of a connection. The other end is found through `peer_`, null once that is destroyed.
class sim_path : public path {
 public:
  // `name`: under which the other end was looked for.
  sim_path(sim_network& net, std::string from, std::string to, std::string name)
      : net_(net), from_(std::move(from)), to_(std::move(to)), name_(std::move(name)) {
    net_.paths_.emplace(number_, this);
    delay_ = net_.world_.between(milliseconds(1), milliseconds(60));
  }

  ~sim_path() override {
    net_.paths_.erase(number_);
    if (!peer_) return;
    peer_->peer_ = nullptr;
    if (!net_.is_cut(from_, to_)) peer_->fail_later(delay_, "the peer closed the connection");
  }

  void start(path_events& events) override {
    events_ = &events;
    if (accepted_) {
      later(microseconds(0), [this] { become_up(); });
    } else {
      later(delay_, [this] { connect(); });
    }
  }

  void send(bytes frame, lane which) override {
    if (!peer_) return;
    unsent_bytes_ += frame.size();
    time_point& last = which == lane::control ? last_control_ : last_data_;
    const bool overtakes = which == lane::data && net_.reordering_ && net_.world_.chance(20);
    const microseconds jitter =
        net_.world_.between(microseconds(0), milliseconds(overtakes ? 30 : 3));
    const time_point due = overtakes ? net_.world_.now() + delay_ + jitter
                                     : std::max(last, net_.world_.now() + delay_ + jitter);
    if (!overtakes) last = due;
    later(due - net_.world_.now(), [this, frame = std::move(frame)]() mutable {
      unsent_bytes_ -= frame.size();
      if (peer_) peer_->arrive(std::move(frame));
      if (events_) events_->on_path_room();
    });
  }

  [[nodiscard]] std::size_t unsent_bytes() const override { return unsent_bytes_; }
  [[nodiscard]] std::string description() const override { return "sim://" + name_; }

  void fail(const std::string& reason) {
    if (events_) std::exchange(events_, nullptr)->on_path_down({errc::unavailable, reason});
  }
  void fail_later(microseconds delay, const std::string& reason) {
    later(delay, [this, reason] { fail(reason); });
  }
  [[nodiscard]] bool joins(const std::string& a, const std::string& b) const {
    return std::minmax(from_, to_) == std::minmax(a, b);
  }

 private:
  void later(microseconds delay, std::function<void()> event) {
    net_.world_.after(delay, [event = std::move(event), alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) event();
    });
  }

  void connect() {
    const auto found = net_.acceptors_.find(to_);
    const bool cut = net_.is_cut(from_, to_) || net_.is_cut(to_, from_);
    if (cut || found == net_.acceptors_.end() || !found->second) {
      std::exchange(events_, nullptr)
          ->on_path_down({errc::unavailable, "connection to " + to_ + " failed"});
      return;
    }
    replace_older();
    auto inbound = std::make_unique<sim_path>(net_, to_, from_, from_);
    inbound->accepted_ = true;
    inbound->delay_ = delay_;
    inbound->peer_ = this;
    peer_ = inbound.get();
    const auto alive = std::weak_ptr(alive_);
    found->second->on_inbound(from_, std::move(inbound));
    if (!alive.expired()) become_up();
  }

  // As a real acceptor does: who dials again has given up its old connection.
  void replace_older() {
    const auto paths = net_.paths_;
    for (const auto& [number, each] : paths) {
      if (each->accepted_ && each->from_ == to_ && each->to_ == from_ && each->events_) {
        each->fail("the peer dialled again");
        return;
      }
    }
  }

  void become_up() {
    if (!events_) return;
    up_ = true;
    const auto alive = std::weak_ptr(alive_);
    auto early = std::exchange(early_, {});
    events_->on_path_up(limits::frame_bytes_max);
    for (bytes& frame : early) {
      if (!alive.expired() && events_) events_->on_frame(std::move(frame));
    }
  }

  void arrive(bytes frame) {
    if (net_.is_cut(to_, from_)) return;
    if (net_.silent_.count(std::minmax(from_, to_)) > 0) {
      net_.held_.push_back([this, frame = std::move(frame), alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) arrive(frame);
      });
    } else if (!up_) {
      early_.push_back(std::move(frame));
    } else if (events_) {
      events_->on_frame(std::move(frame));
    }
  }

  sim_network& net_;
  const std::uint64_t number_ = ++net_.paths_made_;
  std::string from_, to_, name_;
  bool accepted_ = false;
  bool up_ = false;
  std::vector<bytes> early_;  // came before start()
  path_events* events_ = nullptr;
  sim_path* peer_ = nullptr;
  microseconds delay_{};
  time_point last_control_{}, last_data_{};
  std::size_t unsent_bytes_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

void sim_network::heal(const std::string& a, const std::string& b) {
  cut_.erase(std::minmax(a, b));
  cut_one_way_.erase({a, b});
  silent_.erase(std::minmax(a, b));
  for (auto& arrival : std::exchange(held_, {})) world_.after(microseconds(0), arrival);
}

void sim_network::reset(const std::string& a, const std::string& b) {
  for (const auto& [number, each] : paths_) {
    if (each->joins(a, b))
      each->fail_later(world_.between(microseconds(0), milliseconds(5)), "connection reset");
  }
}

std::unique_ptr<path> sim_dialer::dial(const link_settings&, const server_address& server) {
  const auto alias = net_.names_.find(server.host);
  const std::string& to = alias == net_.names_.end() ? server.host : alias->second;
  return std::make_unique<sim_path>(net_, site_, to, server.host);
}

}  // namespace linkd::sim
