#include "tests/e2e/one_way.hpp"

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/support/eventually.hpp"

namespace linkd::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* topic = "orders/new";

}  // namespace

one_way::one_way(double messages_per_s_max) : one_way(transport::mqtt, messages_per_s_max) {}

one_way::one_way(transport how, double messages_per_s_max)
    : one_way({.how = how, .messages_per_s_max = messages_per_s_max}) {}

one_way::one_way(const settings& chosen)
    : a("A", {}, {}, chosen.mosquitto_conf_a),
      b("B", chosen.broker_yaml_b, {}, chosen.mosquitto_conf_b),
      line_to_a(chosen.how == transport::mqtt ? a.broker_port() : a.listen_port()),
      line_to_b(chosen.how == transport::mqtt ? b.broker_port() : b.listen_port()),
      payload_bytes_(chosen.payload_bytes),
      expiry_s_(chosen.expiry_s) {
  a.write_link("B", address(chosen.how, line_to_b.port()), {}, chosen.queue_yaml);
  b.write_link("A", address(chosen.how, line_to_a.port()), {"orders/#"});
  a.set_environment(chosen.environment_a);
  b.set_environment(chosen.environment_b);
  if (chosen.before_start) chosen.before_start(a);
  a.start_daemon();
  b.start_daemon();
  REQUIRE(eventually(patience, [&] { return works(); }));
  publisher = std::make_unique<mqtt_peer>(
      mqtt_peer_settings{.port = a.broker_port(),
                         .client_id = "publisher",
                         .messages_per_s_max = chosen.messages_per_s_max});
  subscriber = std::make_unique<mqtt_peer>(mqtt_peer_settings{
      .port = b.broker_port(), .client_id = "subscriber", .filters = {"orders/#"}});
}

void one_way::publish(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    message next = numbered(topic, sent++, payload_bytes_);
    next.properties.message_expiry_interval_s = expiry_s_;
    publisher->publish(std::move(next));
  }
}

bool one_way::works() const {
  // Both dial; the connection of the smaller name is the one that stays.
  const std::string log = a.daemon_log();
  const auto stays = log.rfind("link_up link=B connected through");
  const auto goes = log.rfind("link_up link=B dialled by the peer");
  const bool decided = stays != std::string::npos && (goes == std::string::npos || goes < stays);
  return decided && linked(a, b) && a.captures("orders/#");
}

bool one_way::complete() const {
  return subscriber->arrived() >= sent &&
         compare(sent, topic, subscriber->arrivals()).missing == 0 && a.waiting_for("B") == 0;
}

void one_way::fault_ended() {
  fault_ended_ = std::chrono::steady_clock::now();
}

ledger one_way::settled() {
  CHECK(publisher->await_accepted(sent, recovery));
  CHECK(eventually(
      recovery, [&] { return complete() && linked(a, b); }, 200ms));
  recovered_in_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - fault_ended_);
  return compare(sent, topic, subscriber->arrivals());
}

books books_of(const site& source, const std::string& peer, double before) {
  const std::string label = "link=\"" + peer + '"';
  books read{before, source.metric("mqtt_linkd_messages_captured_total"),
             source.metric("mqtt_linkd_messages_acked_total", {label}), source.waiting_for(peer),
             source.metric("mqtt_linkd_messages_dropped_total", {label})};
  return read;
}

std::ostream& operator<<(std::ostream& out, const books& what) {
  return out << what.before << " before + " << what.captured << " captured; " << what.acked
             << " acknowledged + " << what.queued << " queued + " << what.dropped << " dropped";
}

std::uintmax_t directory_bytes(const std::filesystem::path& directory) {
  std::uintmax_t sum = 0;
  std::error_code vanished;
  for (const auto& each : std::filesystem::recursive_directory_iterator(directory, vanished)) {
    const auto size = each.is_regular_file(vanished) ? each.file_size(vanished) : 0;
    if (!vanished) sum += size;
  }
  return sum;
}

void report(std::string_view fault, std::string_view how, std::size_t times, const one_way& link,
            const ledger& found) {
  std::cout << "| " << fault << " | " << how << " | " << times << " | " << link.sent << " | "
            << found.missing << " | " << found.repeated << " | "
            << static_cast<double>(link.recovered_in().count() / 100) / 10 << " s |" << std::endl;
}

}  // namespace linkd::test
