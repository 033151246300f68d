#include <catch2/catch.hpp>
#include <map>

#include "tests/unit/session/harness.hpp"

using namespace linkd;
using namespace linkd::session;
using namespace linkd::session::test;

// The table of wire/PROTOCOL.md, "Every frame in every state".
namespace {

enum class outcome {
  ignored,      // no effect
  established,  // the handshake is done
  refused,      // refused_by, not by us
  closed,       // in good order
  error,        // closed, protocol, with BYE
  stranger,     // BYE for the session of the frame
  accepted      // part of the running session, which goes on
};

outcome outcome_of(harness& h, const std::vector<effect>& effects) {
  if (!only<refused_by>(effects).empty()) {
    CHECK(h.session.is_over());
    CHECK_FALSE(only<refused_by>(effects)[0].by_us);
    return outcome::refused;
  }
  if (!only<closed>(effects).empty()) {
    CHECK(h.session.is_over());
    if (!only<closed>(effects)[0].protocol) return outcome::closed;
    check_protocol_error(h, effects);
    return outcome::error;
  }
  if (!only<established>(effects).empty()) return outcome::established;
  if (!sent<wire::bye>(effects).empty()) return outcome::stranger;
  return effects.empty() ? outcome::ignored : outcome::accepted;
}

// One frame of each kind, each acceptable where its kind is.
std::vector<std::pair<std::string, wire::frame_body>> one_of_each() {
  return {{"hello", london()},
          {"hello_ack", wire::hello_ack{london()}},
          {"refused", wire::refused{wire::refusal::link_disabled, ""}},
          {"interest_begin", wire::interest_begin{1}},
          {"interest_items", wire::interest_items{{"a"}}},
          {"interest_end", wire::interest_end{0, 0}},
          {"interest_delta", wire::interest_delta{8, {"b"}, {}}},
          {"data", make_data(0, 1)},
          {"ack", wire::ack{0, std::nullopt}},
          {"ping", wire::ping{}},
          {"pong", wire::pong{5}},
          {"bye", wire::bye{""}}};
}

struct state_row {
  std::string state;
  role which;
  bool start, handshake, end;
  std::map<std::string, outcome> outcomes;  // what is not named: `other`
  outcome other;
};

std::vector<state_row> rows() {
  using enum outcome;
  return {
      {"dialler, not started", role::dialler, false, false, false, {}, ignored},
      {"dialler, handshaking",
       role::dialler,
       true,
       false,
       false,
       {{"hello_ack", established}, {"refused", refused}, {"data", ignored}, {"bye", closed}},
       error},
      {"acceptor, waiting",
       role::acceptor,
       true,
       false,
       false,
       {{"hello", established}, {"refused", ignored}, {"bye", ignored}},
       stranger},
      {"dialler, established",
       role::dialler,
       true,
       true,
       false,
       {{"hello", error},
        {"hello_ack", ignored},
        {"refused", refused},
        {"interest_begin", ignored},
        {"interest_items", error},
        {"interest_end", error},
        {"ack", ignored},
        {"pong", ignored},
        {"bye", closed}},
       accepted},
      {"acceptor, established",
       role::acceptor,
       true,
       true,
       false,
       {{"hello", ignored},
        {"hello_ack", error},
        {"refused", refused},
        {"interest_begin", ignored},
        {"interest_items", error},
        {"interest_end", error},
        {"ack", ignored},
        {"pong", ignored},
        {"bye", closed}},
       accepted},
      {"dialler, over", role::dialler, true, true, true, {}, ignored},
      {"acceptor, over", role::acceptor, true, true, true, {}, ignored},
  };
}

}  // namespace

TEST_CASE("frame table: every frame in every state has the result that PROTOCOL.md says") {
  for (const auto& row : rows()) {
    for (const auto& [kind, body] : one_of_each()) {
      CAPTURE(row.state, kind);
      harness h(row.which);
      if (row.start) h.session.start(h.now);
      if (row.handshake) {
        h.establish();
        // A view at version 7, for the delta.
        h.receive(wire::interest_begin{7});
        h.receive(wire::interest_end{0, 0});
      }
      if (row.end) h.session.close("over");
      const auto expected = row.outcomes.contains(kind) ? row.outcomes.at(kind) : row.other;
      const auto effects = h.react(body);
      CHECK(outcome_of(h, effects) == expected);
    }
  }
}

TEST_CASE("frame table: items and end inside a bracket are accepted") {
  harness h;
  h.establish();
  CHECK(h.react(wire::interest_begin{1}).empty());
  CHECK(h.react(wire::interest_items{{"a"}}).empty());
  const auto effects = h.react(wire::interest_end{1, interest::filter_hash("a")});
  CHECK(only<interest_changed>(effects).size() == 1);
}
