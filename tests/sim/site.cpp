#include "tests/sim/site.hpp"

#include <algorithm>
#include <deque>
#include <map>

namespace linkd::sim {
namespace {

class sim_clock : public clock {
 public:
  sim_clock(world& in, milliseconds wall_offset) : world_(in), wall_offset_(wall_offset) {}
  [[nodiscard]] time_point now() const override { return world_.now(); }
  [[nodiscard]] stamp unix_time() const override {
    return stamp(milliseconds(1'800'000'000'000)) + wall_offset_ +
           std::chrono::duration_cast<milliseconds>(world_.now().time_since_epoch());
  }

 private:
  world& world_;
  const milliseconds wall_offset_;
};

class sim_alarm : public alarm {
 public:
  explicit sim_alarm(world& in) : world_(in) {}
  std::function<void()> on_wake;

  void wake_at(time_point when) override {
    set_ = std::make_shared<char>();
    const microseconds delay = std::max(microseconds(0), microseconds(when - world_.now()));
    world_.after(delay, [this, set = std::weak_ptr(set_)] {
      if (!set.expired()) on_wake();
    });
  }
  void cancel() override { set_.reset(); }

 private:
  world& world_;
  std::shared_ptr<char> set_;
};

// Lanes side by side, the works of each one after another, each taking a while of virtual time.
class sim_worker : public worker {
 public:
  sim_worker(world& in, const microseconds& delay_max) : world_(in), delay_max_(delay_max) {}

  void run(const std::string& name, std::function<void()> work,
           std::function<void()> done) override {
    lane& which = lanes_[name];
    which.free_at =
        std::max(which.free_at, world_.now()) + world_.between(microseconds(20), delay_max_);
    const auto next = std::make_shared<job>(job{std::move(work), std::move(done)});
    which.jobs.push_back(next);
    // The world may outlive us; what the job holds must not.
    world_.after(which.free_at - world_.now(), [&which, due = std::weak_ptr(next)] {
      const auto now = due.lock();
      if (!now) return;
      which.jobs.pop_front();
      now->work();
      now->done();
    });
  }

 private:
  struct job {
    std::function<void()> work, done;
  };
  struct lane {
    time_point free_at{};
    std::deque<std::shared_ptr<job>> jobs;
  };

  world& world_;
  const microseconds& delay_max_;
  std::map<std::string, lane> lanes_;
};

class sim_log : public logger {
 public:
  sim_log(world& in, std::string site, std::vector<std::string>& errors)
      : world_(in), site_(std::move(site)), errors_(errors) {}

  void write(log_level level, std::string_view event, std::string_view link,
             std::string_view text) override {
    const std::string line =
        site_ + " " + std::string(event) + " link=" + std::string(link) + " " + std::string(text);
    world_.note(line);
    if (level == log_level::error) errors_.push_back(line);
  }

 private:
  world& world_;
  std::string site_;
  std::vector<std::string>& errors_;
};

}  // namespace

struct site::sim_crash_journal : crash_journal {
  explicit sim_crash_journal(site& at) : owner(at), earlier(at.crashes_) {}
  void take(const queue_records& in_hand) override {
    held = in_hand;
    if (owner.on_take) owner.on_take(in_hand);
  }
  void put_down() override { held.reset(); }
  [[nodiscard]] const std::vector<queue_records>& crashes() const override { return earlier; }

  site& owner;
  const std::vector<queue_records> earlier;
  std::optional<queue_records> held;
};

// Everything that dies with the process. The core is declared last: it uses all the others.
struct site::process {
  process(site& owner, std::uint64_t incarnation)
      : time(owner.world_, owner.wall_offset_),
        wake(owner.world_),
        background(owner.world_, owner.disk_delay_max_),
        log(owner.world_, owner.name_, owner.errors_),
        client(owner.world_, owner.broker_),
        dial(owner.net_, owner.name_),
        subscriptions(owner.clients_),
        crashes(owner),
        core({time, owner.world_.random(), log, owner.disk_, background, client, dial,
              subscriptions, crashes},
             wake, settings(owner), incarnation) {
    wake.on_wake = [this] { core.on_wake(); };
  }

  static daemon_settings settings(const site& owner) {
    daemon_settings all;
    all.deployment = owner.name_;
    if (owner.clients_.live()) all.interest.source = interest_source::mosquitto;
    return all;
  }

  sim_clock time;
  sim_alarm wake;
  sim_worker background;
  sim_log log;
  sim_broker_client client;
  sim_dialer dial;
  sim_subscription_source subscriptions;
  sim_crash_journal crashes;
  link::deployment core;
};

site::site(world& in, sim_network& net, std::string name)
    : world_(in), net_(net), name_(std::move(name)), broker_(in, name_), clients_(in) {
  broker_.on_linkd_publish = [this](const message& what) {
    const std::size_t colon = what.payload.find(':');
    arrivals_.push_back(
        {what.payload.substr(0, colon), std::stoull(what.payload.substr(colon + 1))});
  };
}

site::~site() {
  net_.listen(name_, nullptr);
}

void site::configure(std::vector<link_settings> links) {
  links_ = std::move(links);
  if (process_) process_->core.apply(links_);
}

void site::start() {
  const auto incarnation = link::next_incarnation(disk_);
  if (!incarnation) {
    world_.note(name_ + " cannot start: " + incarnation.error().text);
    disk_.kill_process();
    world_.after(seconds(1), [this] {
      if (!process_) start();
    });
    return;
  }
  world_.note(name_ + " starts");
  process_ = std::make_unique<process>(*this, *incarnation);
  process_->core.start(links_);
  net_.listen(name_, &process_->core);
}

void site::stop() {
  world_.note(name_ + " stops");
  net_.listen(name_, nullptr);
  process_->core.stop([this] {
    world_.after(microseconds(0), [this] {
      process_.reset();
      disk_.kill_process();
    });
  });
}

void site::kill() {
  world_.note(name_ + " is killed");
  net_.listen(name_, nullptr);
  disk_.kill_process();  // first: what goes with the process must not close its files in order
  process_.reset();
}

void site::crash() {
  if (const auto& held = process_->crashes.held) crashes_.push_back(*held);
  throw broken_off{[this] {
    kill();
    world_.after(seconds(1), [this] {
      if (!running()) start();
    });
  }};
}

void site::lose_power() {
  world_.note(name_ + " loses power");
  net_.listen(name_, nullptr);
  disk_.crash(world_.random());
  process_.reset();
}

link::deployment& site::core() {
  return process_->core;
}

link::deployment_status site::status() const {
  return process_ ? process_->core.status() : link::deployment_status{};
}

link::link_status site::link_to(const std::string& peer) const {
  for (const link::link_status& each : status().links) {
    if (each.name == peer) return each;
  }
  link::link_status none;
  none.state = link::link_state::disabled;
  return none;
}

bool site::all_links_up() const {
  const auto now = status();
  return now.broker.up &&
         std::all_of(now.links.begin(), now.links.end(), [](const link::link_status& each) {
           return each.state == link::link_state::up;
         });
}

std::uint64_t site::publish(const std::string& topic, std::uint8_t qos) {
  message what;
  what.topic = topic;
  what.qos = qos;
  what.payload = name_ + ":" + std::to_string(published_);
  broker_.publish(what);
  return published_++;
}

link_settings link_to(const std::string& us, const std::string& peer,
                      std::vector<std::string> topics, bool dials) {
  link_settings link;
  link.name = peer;
  link.topics = std::move(topics);
  link.client_id_prefix = us;
  link.control_prefix = "$LINK";
  if (dials) link.servers = {{scheme::mqtt, peer, 1883}};
  return link;
}

}  // namespace linkd::sim
