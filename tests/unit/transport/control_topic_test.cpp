#include "transport/control_topic.hpp"

#include <catch2/catch.hpp>

using namespace linkd::transport;

TEST_CASE("control topic: names the receiver, then the sender", "[transport]") {
  CHECK(control_topic("$LINK", "paris", "london") == "$LINK/paris/from/london");
  CHECK(sender_in("$LINK/paris/from/london", "$LINK", "paris") == "london");
  CHECK(sender_in("a/b/paris/from/l-1_x", "a/b", "paris") == "l-1_x");
}

TEST_CASE("control topic: anything but a deployment name is no sender", "[transport]") {
  const std::string longest(64, 'x');
  CHECK(sender_in("$LINK/paris/from/" + longest, "$LINK", "paris") == longest);
  for (const std::string& name :
       {longest + "x", std::string(), std::string("_a"), std::string("-a"), std::string("a/b"),
        std::string("a b"), std::string("\xc3\xa9"), std::string("a\0b", 3)}) {
    CAPTURE(name);
    CHECK(sender_in("$LINK/paris/from/" + name, "$LINK", "paris") == std::nullopt);
  }
  for (const auto* topic :
       {"$LINK/rome/from/london", "LINK/paris/from/london", "$LINK/paris/to/london",
        "$LINK/paris/from", "$LINK/parisfrom/london"}) {
    CAPTURE(topic);
    CHECK(sender_in(topic, "$LINK", "paris") == std::nullopt);
  }
}
