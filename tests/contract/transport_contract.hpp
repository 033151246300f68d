#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/ports/transport.hpp"

// What every implementation of ports/transport.hpp has to do, whatever carries the frames: each
// function below is one test. A world is two daemons, london who dials and paris who accepts.
namespace linkd::test::contract {

template <class World>
concept transport_world = requires(World& world, acceptor_events& events, bool (*condition)()) {
  // Paris accepts from now on; on return it can be reached. `events` must live until the next
  // accept() or stop_accepting() before an event can come.
  {world.accept(events)};
  {world.stop_accepting()};
  { world.dial() } -> std::same_as<std::unique_ptr<path>>;  // not started
  {world.break_line()};                                     // everything between them
  {world.silence_line()};                                   // connections stay, bytes wait
  {world.mend_line()};
  { world.run_until(condition) } -> std::same_as<bool>;  // false: patience is over
  {world.run_one()};                                     // one event, if there is any
};

// A path with everything it told. Checks the rule that no event comes from inside a call.
class recorded_path : public path_events {
 public:
  explicit recorded_path(std::unique_ptr<path> carried) : carried_(std::move(carried)) {}

  void start() {
    const auto inside = enter();
    carried_->start(*this);
  }
  void send(bytes frame, path::lane lane = path::lane::control) {
    const auto inside = enter();
    carried_->send(std::move(frame), lane);
  }
  void close() { carried_.reset(); }
  [[nodiscard]] bool is_open() const { return carried_ != nullptr; }
  [[nodiscard]] std::size_t unsent_bytes() const { return carried_->unsent_bytes(); }
  [[nodiscard]] std::string description() const { return carried_->description(); }

  std::size_t frame_bytes_max = 0;  // 0: not up
  std::vector<bytes> frames;
  std::size_t rooms = 0;
  std::optional<error> down;
  std::function<void()> at_up, at_frame, at_room, at_down;

  void on_path_up(std::size_t largest) override {
    outside();
    CHECK(frame_bytes_max == 0);
    CHECK(largest > limits::frame_overhead_bytes);
    CHECK(largest <= limits::frame_bytes_max);
    frame_bytes_max = largest;
    if (at_up) at_up();
  }
  void on_frame(bytes frame) override {
    outside();
    CHECK(frame_bytes_max != 0);
    frames.push_back(std::move(frame));
    if (at_frame) at_frame();
  }
  void on_path_room() override {
    outside();
    ++rooms;
    if (at_room) at_room();
  }
  void on_path_down(error reason) override {
    outside();
    CHECK_FALSE(reason.text.empty());
    down = reason;
    if (at_down) at_down();
  }

 private:
  struct leave {
    bool& flag;
    ~leave() { flag = false; }
  };
  leave enter() {
    inside_ = true;
    return {inside_};
  }
  void outside() const {
    CHECK_FALSE(inside_);
    CHECK(is_open());               // a destroyed path tells nothing
    CHECK_FALSE(down.has_value());  // nor does one that is down
  }

  std::unique_ptr<path> carried_;
  bool inside_ = false;
};

// Keeps what came in, started.
class host : public acceptor_events {
 public:
  void on_inbound(const std::string& peer, std::unique_ptr<path> inbound) override {
    peers.push_back(peer);
    if (refuse) return;
    paths.push_back(std::make_unique<recorded_path>(std::move(inbound)));
    if (at_inbound) at_inbound(*paths.back());
    if (start_at_once) paths.back()->start();
  }
  [[nodiscard]] recorded_path& last() { return *paths.back(); }

  std::vector<std::string> peers;
  std::vector<std::unique_ptr<recorded_path>> paths;
  bool refuse = false;
  bool start_at_once = true;
  std::function<void(recorded_path&)> at_inbound;
};

// Two ends of one path that is up.
template <transport_world World>
struct connected {
  explicit connected(World& in) : london(in.dial()) {
    static int count = 0;
    const bytes greeting = "hello " + std::to_string(++count);  // an earlier path's may be late
    in.accept(paris_host);
    london.start();
    REQUIRE(in.run_until([&] { return london.frame_bytes_max != 0 || london.down.has_value(); }));
    INFO((london.down ? london.down->text : ""));
    REQUIRE_FALSE(london.down.has_value());
    london.send(greeting);
    REQUIRE(in.run_until([&] {
      return !paris_host.paths.empty() && paris().frames == std::vector<bytes>{greeting};
    }));
    CHECK(paris_host.peers.back() == "london");
    paris().frames.clear();
  }
  recorded_path& paris() { return paris_host.last(); }

  host paris_host;
  recorded_path london;
};

inline bytes numbered(int number, std::size_t size) {
  bytes frame = std::to_string(number) + " ";
  if (frame.size() < size) frame.resize(size, static_cast<char>('a' + number % 26));
  return frame;
}

// Sends `count` frames of `size` bytes, as much at a time as the port allows, and checks that they
// arrive once each and in order.
template <transport_world World>
void transfer(World& in, recorded_path& from, recorded_path& to, path::lane lane, int count,
              std::size_t size) {
  CAPTURE(count, size, lane == path::lane::data);
  int sent = 0;
  to.frames.clear();
  const auto fill = [&] {
    while (sent < count && from.unsent_bytes() < limits::path_unsent_bytes_max) {
      from.send(numbered(sent++, size), lane);
    }
  };
  from.at_room = fill;
  fill();
  const bool arrived =
      in.run_until([&] { return to.frames.size() >= static_cast<std::size_t>(count); });
  CAPTURE(to.frames.size());
  REQUIRE(arrived);
  REQUIRE(in.run_until([&] { return from.unsent_bytes() == 0; }));
  from.at_room = nullptr;
  for (int i = 0; i < count; ++i) {
    REQUIRE(to.frames[static_cast<std::size_t>(i)] == numbered(i, size));
  }
  CHECK(to.frames.size() == static_cast<std::size_t>(count));
}

template <transport_world World>
void delivers_in_order_both_ways(World& in) {
  connected both(in);
  for (const auto lane : {path::lane::control, path::lane::data}) {
    transfer(in, both.london, both.paris(), lane, 500, 100);
    transfer(in, both.paris(), both.london, lane, 500, 100);
  }
  CHECK_FALSE(both.london.description().empty());
  CHECK_FALSE(both.paris().description().empty());
}

template <transport_world World>
void delivers_the_largest_frames(World& in) {
  connected both(in);
  for (const auto lane : {path::lane::control, path::lane::data}) {
    transfer(in, both.london, both.paris(), lane, 6, both.london.frame_bytes_max);
    transfer(in, both.paris(), both.london, lane, 6, both.paris().frame_bytes_max);
  }
}

template <transport_world World>
void tells_what_is_unsent_and_when_there_is_room(World& in) {
  connected both(in);
  REQUIRE(in.run_until([&] { return both.london.unsent_bytes() == 0; }));
  const auto rooms = both.london.rooms;
  both.london.send(bytes(10'000, 'x'), path::lane::data);
  CHECK(both.london.unsent_bytes() == 10'000);
  REQUIRE(in.run_until([&] { return both.london.unsent_bytes() == 0; }));
  CHECK(both.london.rooms > rooms);
}

template <transport_world World>
void closing_one_end_takes_the_other_down(World& in) {
  {
    connected both(in);
    both.london.close();
    REQUIRE(in.run_until([&] { return both.paris().down.has_value(); }));
  }
  {
    connected both(in);
    both.paris().close();
    REQUIRE(in.run_until([&] { return both.london.down.has_value(); }));
  }
}

// After any number of events a dialled path can be destroyed, and the next one works.
template <transport_world World>
void can_be_closed_at_every_point(World& in) {
  for (int turns = 0; turns <= 40; ++turns) {
    CAPTURE(turns);
    host paris;
    in.accept(paris);
    recorded_path london(in.dial());
    london.at_up = [&] { london.send("hello"); };
    london.start();
    for (int i = 0; i < turns; ++i) in.run_one();
    london.close();
    if (turns % 8 == 0) {
      connected both(in);
      transfer(in, both.london, both.paris(), path::lane::data, 3, 10);
    }
  }
}

template <transport_world World>
void can_be_closed_inside_every_event(World& in) {
  using hook = std::function<void()> recorded_path::*;
  for (const hook at : {&recorded_path::at_up, &recorded_path::at_frame, &recorded_path::at_room,
                        &recorded_path::at_down}) {
    for (const bool dialled : {true, false}) {
      CAPTURE(dialled);
      host paris;
      recorded_path london(in.dial());
      const auto close_in = [at](recorded_path& which) {
        which.*at = [&which, before = which.*at] {
          if (before) before();
          which.close();
        };
      };
      paris.at_inbound = [&](recorded_path& inbound) {
        inbound.at_up = [&] { inbound.send("answer"); };
        if (!dialled) close_in(inbound);
      };
      in.accept(paris);
      london.at_up = [&] { london.send("hello"); };
      london.at_frame = [&] { london.send("thanks"); };
      if (dialled) close_in(london);
      london.start();
      const auto end = [&] {
        return dialled ? &london : paris.paths.empty() ? nullptr : &paris.last();
      };
      if (at == &recorded_path::at_down) {
        REQUIRE(in.run_until([&] { return !paris.paths.empty() && !london.frames.empty(); }));
        in.break_line();
      }
      REQUIRE(in.run_until([&] { return end() != nullptr && !end()->is_open(); }));
      if (at == &recorded_path::at_down) in.mend_line();
    }
  }
}

template <transport_world World>
void a_refused_inbound_path_leaves_no_trace(World& in) {
  host paris;
  paris.refuse = true;
  in.accept(paris);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    recorded_path london(in.dial());
    london.at_up = [&] { london.send("hello"); };
    london.start();
    REQUIRE(in.run_until([&] { return paris.peers.size() == static_cast<std::size_t>(attempt); }));
    CHECK(london.frames.empty());
  }
  connected both(in);
  transfer(in, both.london, both.paris(), path::lane::control, 3, 10);
}

template <transport_world World>
void frames_wait_for_the_start_of_an_inbound_path(World& in) {
  host paris;
  paris.start_at_once = false;
  in.accept(paris);
  recorded_path london(in.dial());
  london.start();
  REQUIRE(in.run_until([&] { return london.frame_bytes_max != 0; }));
  for (const char* frame : {"one", "two", "three"}) london.send(frame);
  REQUIRE(in.run_until([&] { return !paris.paths.empty() && london.unsent_bytes() == 0; }));
  CHECK(paris.last().frames.empty());
  paris.last().start();
  CHECK(paris.last().frames.empty());
  REQUIRE(in.run_until([&] { return paris.last().frames.size() == 3; }));
  CHECK(paris.last().frames == std::vector<bytes>{"one", "two", "three"});
}

template <transport_world World>
void a_broken_line_takes_both_ends_down_and_the_next_dial_works(World& in) {
  connected both(in);
  in.break_line();
  REQUIRE(in.run_until([&] { return both.london.down.has_value(); }));
  REQUIRE(in.run_until([&] { return both.paris().down.has_value(); }));
  recorded_path vain(in.dial());
  vain.start();
  REQUIRE(in.run_until([&] { return vain.down.has_value(); }));
  CHECK(vain.frame_bytes_max == 0);
  in.mend_line();
  connected again(in);
  transfer(in, again.london, again.paris(), path::lane::data, 3, 10);
}

// A half-open connection looks like this. Who finds it is the session, by its heartbeat.
template <transport_world World>
void a_line_that_was_silent_loses_nothing(World& in) {
  connected both(in);
  in.silence_line();
  for (const char* frame : {"one", "two", "three"}) both.london.send(frame);
  for (int i = 0; i < 20; ++i) in.run_one();
  const std::size_t before = both.paris().frames.size();
  in.mend_line();
  REQUIRE(in.run_until([&] { return both.paris().frames.size() == before + 3; }));
  CHECK(both.paris().frames.back() == "three");
}

template <transport_world World>
void survives_a_storm_of_reconnects(World& in) {
  host paris;
  in.accept(paris);
  for (int i = 0; i < 50; ++i) {
    recorded_path london(in.dial());
    london.at_up = [&] { london.send("hello"); };
    london.start();
    for (int turns = 0; turns < i; ++turns) in.run_one();
  }
  connected both(in);
  transfer(in, both.london, both.paris(), path::lane::data, 3, 10);
}

template <transport_world World>
void an_absent_peer_is_a_path_that_goes_down(World& in) {
  in.stop_accepting();
  recorded_path london(in.dial());
  london.at_up = [&] { london.send("hello"); };
  london.start();
  REQUIRE(in.run_until([&] { return london.down.has_value(); }));
  CHECK(london.down->code == errc::unavailable);
  connected both(in);
}

template <transport_world World>
void a_second_dial_replaces_the_first(World& in) {
  connected both(in);
  recorded_path& first = both.paris();
  recorded_path again(in.dial());
  again.at_up = [&] { again.send("hello again"); };
  again.start();
  REQUIRE(in.run_until([&] { return both.paris_host.paths.size() == 2; }));
  CHECK(first.down.has_value());
  recorded_path& second = both.paris();
  REQUIRE(in.run_until([&] { return !second.frames.empty(); }));
  CHECK(second.frames.front() == "hello again");
}

}  // namespace linkd::test::contract
