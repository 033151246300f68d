// The acceptor of the mqtt transport at brokers that do not carry its topics.
#include <catch2/catch.hpp>

#include "tests/contract/mqtt_world.hpp"
#include "tests/contract/scripted_packets.hpp"

using namespace linkd;
using namespace linkd::test;
using Catch::Matchers::Contains;

namespace {

enum class treatment { refuse, drop, carry };

// Paris at a scripted broker; london can reach it through that broker only, oslo also directly.
class scripted_site : private acceptor_events {
 public:
  explicit scripted_site(treatment how)
      : server_(io, [how](const packet& in) -> reply {
          if (in.type == type::connect) return {connack(in, false)};
          if (in.type == type::subscribe) return {suback(in, true, 1)};
          if (in.type != type::publish) return {};
          if (how == treatment::drop) return {puback_for(in)};
          if (how == treatment::carry) return {puback_for(in) + event_packet(own_topic)};
          const std::string accepted = puback_for(in);
          return {std::string("\x40\x03") + accepted.substr(2) + '\x90'};
        }) {
    paris_.deployment = "paris";
    paris_.broker.server = server_.address();
    paris_.broker.client_id = "mqtt-linkd-paris";
    paris_.broker.protocol = mqtt_protocol::v5;
    link_settings london, oslo;
    london.name = "london";
    oslo.name = "oslo";
    oslo.accept.emplace();
    acceptor_.emplace(io, paris_, log, random_);
    acceptor_->configure({london, oslo});
    acceptor_->start(*this);
  }
  template <class Condition>
  bool until(Condition condition) {
    return run_until(io, condition);
  }

  boost::asio::io_context io;
  recorded_log log;
  std::vector<std::pair<std::string, error>> unreachable;

 private:
  static constexpr const char* own_topic = "$LINK/paris/from/paris";

  void on_inbound(const std::string&, std::unique_ptr<path>) override {}
  void on_unreachable(const std::string& peer, const error& why) override {
    unreachable.emplace_back(peer, why);
  }

  scripted_server server_;
  daemon_settings paris_;
  seeded_random random_;
  std::optional<transport::mqtt_acceptor> acceptor_;
};

}  // namespace

TEST_CASE("mqtt transport: a broker that does not carry the control prefix is named, and the mend",
          "[transport]") {
  scripted_site site(GENERATE(treatment::refuse, treatment::drop));
  REQUIRE(site.until([&] { return site.log.last("acceptor_refused") != nullptr; }));
  const std::string& told = site.log.last("acceptor_refused")->text;
  CHECK_THAT(told, Contains("$LINK/paris/from/paris") && Contains("control_prefix"));
  REQUIRE(site.unreachable.size() == 1);
  CHECK(site.unreachable.front().first == "london");
  CHECK(site.unreachable.front().second.code == errc::refused);
  CHECK(site.unreachable.front().second.text == told);
  CHECK(site.log.count("acceptor_up") == 0);
}

TEST_CASE("mqtt transport: peers can reach us once a probe of the control prefix has come back",
          "[transport]") {
  scripted_site site(treatment::carry);
  REQUIRE(site.until([&] { return site.log.count("acceptor_up") == 1; }));
  CHECK(site.unreachable.empty());
  CHECK(site.log.count("frame_refused") == 0);
}
