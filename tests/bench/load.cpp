#include "tests/bench/load.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "tests/bench/mqtt_socket.hpp"

namespace linkd::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr std::size_t write_bytes = 1u << 20;  // gathered before they are written
constexpr milliseconds probe_interval{50};
// At saturation: who is woken for every packet takes from the brokers what is measured.
constexpr milliseconds turn_interval{1};
constexpr milliseconds lost_after{2000};  // without any arrival, what is outstanding is lost
constexpr std::string_view unwanted_topic = "bench/unwanted";
constexpr std::string_view probe_suffix = "/probe";

std::uint64_t to_us(clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count());
}

std::string client_id(const std::string& role) {
  return "load-" + std::to_string(::getpid()) + '-' + role;
}

// What one subscriber has seen.
struct arrivals {
  explicit arrivals(mqtt_socket connection) : socket(std::move(connection)) {}
  mqtt_socket socket;
  bool reached = false;  // by a probe
  std::vector<bool> seen;
  std::uint64_t next = 0;  // beyond the highest number
  std::uint64_t count = 0, repeated = 0, late = 0;
};

class load {
 public:
  load(const load_settings& settings, const std::function<void(load_phase)>& on_phase)
      : settings_(settings),
        on_phase_(on_phase),
        payloads_(settings.kind, settings.size_bytes),
        publisher_(settings.publish_port, client_id("pub")) {
    for (std::size_t i = 0; i < std::max<std::size_t>(settings.topics, 1); ++i) {
      topics_.push_back(settings.topic + '/' + std::to_string(i));
    }
    for (const auto port : settings.subscribe_ports) {
      auto& made = subscribers_.emplace_back(
          mqtt_socket(port, client_id("sub" + std::to_string(subscribers_.size()))));
      made.socket.subscribe(settings.topic + "/#", settings.qos);
    }
    for (auto& each : subscribers_) polled_.push_back({each.socket.descriptor(), POLLIN, 0});
    polled_.push_back({publisher_.descriptor(), POLLIN, 0});
  }

  load_result run() {
    probe();
    start_ = last_arrival_ = clock::now();
    measure_begin_ = start_ + settings_.warmup;
    measure_end_ = measure_begin_ + settings_.measured;
    while (clock::now() < measure_end_) {
      publish();
      wait(next_publish());
      account_phase();
    }
    account_phase();
    publishing_ = false;
    // What keeps coming is late, not lost.
    while (!all_arrived() && clock::now() < last_arrival_ + settings_.patience) {
      wait(last_arrival_ + settings_.patience);
    }
    return conclude();
  }

 private:
  void probe() {
    const auto reached = [&] {
      return std::ranges::all_of(subscribers_, [](const auto& each) { return each.reached; });
    };
    const auto deadline = clock::now() + settings_.patience;
    while (!reached()) {
      if (clock::now() > deadline) throw std::runtime_error("no message gets through");
      append_publish(publisher_.out(), {settings_.topic + std::string(probe_suffix), settings_.qos,
                                        next_id(), payloads_.make({})});
      ++unacknowledged_;
      for (const auto pause = clock::now() + probe_interval; !reached() && clock::now() < pause;) {
        wait(pause);
      }
    }
  }

  std::uint16_t next_id() { return id_ = static_cast<std::uint16_t>(id_ % 65'535 + 1); }

  [[nodiscard]] clock::time_point due(std::uint64_t number) const {
    if (settings_.rate <= 0) return start_;
    return start_ + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(
                        static_cast<double>(number) / settings_.rate));
  }

  [[nodiscard]] bool window_open() const {
    if (settings_.qos > 0 && unacknowledged_ >= settings_.window) return false;
    return settings_.outstanding == 0 ||
           published_ - std::max(arrived_by_all_, given_up_) < settings_.outstanding;
  }

  // As much as time, windows and one write allow.
  void publish() {
    auto now = clock::now();
    while (publisher_.unsent_bytes() < write_bytes && window_open()) {
      const auto when = due(published_);
      if (when > now) break;
      // What we had to hold back is late from the time it was due.
      const auto sent = held_back_ && settings_.rate > 0 ? when : now;
      append(topics_[published_ % topics_.size()], to_us(sent));
      for (std::size_t i = 0; i < settings_.unwanted; ++i) append(unwanted_topic, to_us(sent));
      ++published_;
    }
    held_back_ = due(published_) <= now;
    publisher_.flush();
  }

  void append(std::string_view topic, std::uint64_t sent_us) {
    append_publish(publisher_.out(),
                   {topic, settings_.qos, next_id(), payloads_.make({published_, sent_us})});
    ++unacknowledged_;
  }

  // When publish() has something to do, as far as time tells.
  [[nodiscard]] clock::time_point next_publish() const {
    if (!window_open()) return clock::now() + milliseconds(100);
    if (publisher_.unsent_bytes() > 0) return measure_end_;
    return due(published_);
  }

  // Handles what comes until `limit`, at most once through all sockets.
  void wait(clock::time_point limit) {
    if (publishing_) {
      if (measure_begin_ > clock::now()) limit = std::min(limit, measure_begin_);
      limit = std::min(limit, measure_end_);
    }
    if (settings_.rate <= 0) std::this_thread::sleep_for(turn_interval);
    polled_.back().events =
        static_cast<short>(POLLIN | (publisher_.unsent_bytes() > 0 ? POLLOUT : 0));
    const auto pause = std::max(clock::duration::zero(), limit - clock::now());
    const auto whole = std::chrono::floor<std::chrono::seconds>(pause);
    const timespec timeout{whole.count(), (pause - whole).count()};
    if (::ppoll(polled_.data(), polled_.size(), &timeout, nullptr) < 0) return;
    for (std::size_t i = 0; i < subscribers_.size(); ++i) {
      if (polled_[i].revents != 0) receive(subscribers_[i]);
    }
    if (polled_.back().revents != 0) {
      publisher_.read([&](const packet& what) {
        if (what.type == packet_type::puback && unacknowledged_ > 0) --unacknowledged_;
      });
    }
    publisher_.flush();
    if (clock::now() > last_arrival_ + lost_after) given_up_ = published_;
  }

  void receive(arrivals& subscriber) {
    const auto now = clock::now();
    subscriber.socket.read([&](const packet& what) {
      if (what.type != packet_type::publish) return;
      const published message = read_publish(what);
      if (message.qos > 0) append_puback(subscriber.socket.out(), message.id);
      if (message.topic.ends_with(probe_suffix)) {
        subscriber.reached = true;
      } else if (const auto mark = payloads_.read(message.payload)) {
        take(subscriber, *mark, now);
      }
    });
    subscriber.socket.flush();
    arrived_by_all_ = std::ranges::min_element(subscribers_, {}, &arrivals::next)->next;
    last_arrival_ = now;
  }

  void take(arrivals& subscriber, const stamp& mark, clock::time_point now) {
    if (mark.number >= published_) return;  // not of ours
    if (subscriber.seen.size() <= mark.number) subscriber.seen.resize(2 * mark.number + 1024);
    if (subscriber.seen[mark.number]) {
      ++subscriber.repeated;
      return;
    }
    subscriber.seen[mark.number] = true;
    ++subscriber.count;
    if (mark.number < subscriber.next) ++subscriber.late;
    subscriber.next = std::max(subscriber.next, mark.number + 1);
    if (now >= measure_begin_ && now < measure_end_) ++result_.measured_arrivals;
    const std::uint64_t now_us = to_us(now);
    if (mark.sent_us >= to_us(measure_begin_)) {
      result_.latency.observe(now_us > mark.sent_us ? now_us - mark.sent_us : 0);
    }
  }

  void account_phase() {
    const auto now = clock::now();
    if (phases_told_ == 0 && now >= measure_begin_) {
      measure_begin_ = now;
      ++phases_told_;
      on_phase_(load_phase::measuring);
    } else if (phases_told_ == 1 && now >= measure_end_) {
      measure_end_ = now;
      ++phases_told_;
      on_phase_(load_phase::measured);
    }
  }

  [[nodiscard]] bool all_arrived() const {
    return unacknowledged_ * (settings_.qos > 0) == 0 && publisher_.unsent_bytes() == 0 &&
           std::ranges::all_of(subscribers_,
                               [&](const auto& each) { return each.count == published_; });
  }

  load_result conclude() {
    result_.published = published_;
    result_.measured_s = std::chrono::duration<double>(measure_end_ - measure_begin_).count();
    for (const auto& each : subscribers_) {
      result_.arrived += each.count;
      result_.missing += published_ - each.count;
      result_.repeated += each.repeated;
      result_.late += each.late;
    }
    return result_;
  }

  const load_settings& settings_;
  const std::function<void(load_phase)>& on_phase_;
  payloads payloads_;
  std::vector<std::string> topics_;
  mqtt_socket publisher_;
  std::vector<arrivals> subscribers_;
  std::vector<pollfd> polled_;  // the subscribers, then the publisher
  clock::time_point start_, measure_begin_, measure_end_, last_arrival_;
  std::uint16_t id_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t unacknowledged_ = 0;
  std::uint64_t arrived_by_all_ = 0;  // numbers below have come to every subscriber, or are lost
  std::uint64_t given_up_ = 0;
  bool held_back_ = false;
  bool publishing_ = true;
  int phases_told_ = 0;
  load_result result_;
};

}  // namespace

load_result run_load(const load_settings& settings,
                     const std::function<void(load_phase)>& on_phase) {
  return load(settings, on_phase).run();
}

}  // namespace linkd::bench
