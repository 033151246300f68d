#include "live/management_api.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using namespace linkd::live;

namespace {

using rows = std::vector<management_api::row>;

result<management_api::page> parse(interest_source source, std::string_view body) {
  return make_management_api(source)->parse(body);
}

}  // namespace

// Answers of RabbitMQ 3.10.8.
TEST_CASE("management api: rabbitmq's bindings are filters", "[live]") {
  const auto page = parse(interest_source::rabbitmq, R"([
    {"destination":"mqtt-subscription-c xqos1","routing_key":"a.*.b c"},
    {"destination":"mqtt-subscription-mqtt-linkd-a:liveqos0","routing_key":"binding.#"},
    {"destination":"some queue","routing_key":"a.#.b"},
    {"destination":"q","routing_key":"*.a*b.*"}])");
  REQUIRE(page.has_value());
  CHECK(page->last);
  CHECK(page->rows == rows{{"c x", "a/+/b c"},
                           {"mqtt-linkd-a:live", "binding/#"},
                           {"some queue", "a/#/b"},
                           {"q", "+/a*b/+"}});
  CHECK(parse(interest_source::rabbitmq, "[]")->rows.empty());
}

TEST_CASE("management api: emqx's subscriptions come in pages", "[live]") {
  const auto page = parse(interest_source::emqx, R"({"data":[
    {"node":"emqx@127.0.0.1","topic":"$share/g/t","clientid":"c","qos":1,"nl":0,"rap":0,"rh":0,
     "durable":false}],"meta":{"page":1,"limit":1000,"hasnext":true}})");
  REQUIRE(page.has_value());
  CHECK_FALSE(page->last);
  CHECK(page->rows == rows{{"c", "$share/g/t"}});
  CHECK(parse(interest_source::emqx, R"({"data":[],"meta":{"page":2,"limit":1000,"count":3}})")
            ->last);
  CHECK(make_management_api(interest_source::emqx)->target(2).ends_with("page=2"));
}

TEST_CASE("management api: nanomq's subscriptions", "[live]") {
  const auto page = parse(interest_source::nanomq,
                          R"({"code":0,"data":[{"clientid":"c","topic":"t/#","qos":1}]})");
  REQUIRE(page.has_value());
  CHECK(page->last);
  CHECK(page->rows == rows{{"c", "t/#"}});
}

TEST_CASE("management api: anything else is refused, not taken for no subscriptions", "[live]") {
  for (const auto source :
       {interest_source::rabbitmq, interest_source::emqx, interest_source::nanomq}) {
    for (const auto* body :
         {"", "{}", "null", "<html>", R"({"error":"not_authorised"})", R"({"data":{}})",
          R"([{"destination":"q"}])", R"({"code":0,"data":[{"clientid":1,"topic":"t"}]})",
          R"({"code":1,"data":[]})", R"({"data":[{"topic":"t"}],"meta":{}})"}) {
      if (source == interest_source::emqx && std::string_view(body) == R"({"code":1,"data":[]})") {
        continue;  // an empty page to EMQX
      }
      CAPTURE(static_cast<int>(source), body);
      CHECK_FALSE(parse(source, body).has_value());
    }
  }
}
