#include "broker/profile.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using namespace linkd::broker_adapter;

TEST_CASE("profile: every make has one, auto has none") {
  CHECK(find_profile(broker_profile::automatic) == nullptr);
  for (auto which = broker_profile::mosquitto; which <= broker_profile::nanomq;
       which = static_cast<broker_profile>(static_cast<int>(which) + 1)) {
    const profile* found = find_profile(which);
    REQUIRE(found != nullptr);
    CHECK(found->which == which);
    CHECK_FALSE(found->weaker.empty());
    CHECK_FALSE(unfit(*found, "plain/topic"));
    CHECK(found->bad_characters.empty() == found->bad_because.empty());
  }
}

TEST_CASE("profile: a topic that a broker does not carry is unfit, with the reason") {
  struct odd {
    broker_profile where;
    std::string topic;
    const char* because;  // nullptr: fit
  };
  const auto levels = [](std::size_t count) {
    std::string topic = "d";
    for (std::size_t i = 1; i < count; ++i) topic += "/d";
    return topic;
  };
  const odd all[] = {
      {broker_profile::rabbitmq, "a.b", "RabbitMQ does not carry: it would deliver it under"},
      {broker_profile::rabbitmq, "a*", "another name"},
      {broker_profile::rabbitmq, "a,b c", nullptr},
      {broker_profile::activemq, "a,b", "to other topics"},
      {broker_profile::activemq, "$x/a", "begins with $: ActiveMQ"},
      {broker_profile::activemq, "x/$a", nullptr},
      {broker_profile::ejabberd, "$x/a", "begins with $: ejabberd"},
      {broker_profile::nats, "a b", "closes the connection"},
      {broker_profile::mosquitto, "a\x01", "closes the connection"},
      {broker_profile::mosquitto, "a b.c,d/$", nullptr},
      {broker_profile::mosquitto, levels(200), nullptr},
      {broker_profile::mosquitto, levels(201), "more than the 200 levels"},
      {broker_profile::emqx, levels(129), "more than the 128 levels"},
      {broker_profile::nanomq, std::string(255, 'l'), nullptr},
      {broker_profile::nanomq, std::string(256, 'l'), "longer than the 255 bytes"},
  };
  for (const odd& each : all) {
    CAPTURE(each.topic);
    const auto why = unfit(*find_profile(each.where), each.topic);
    REQUIRE(why.has_value() == (each.because != nullptr));
    if (why) CHECK_THAT(*why, Catch::Contains(each.because));
  }
}
