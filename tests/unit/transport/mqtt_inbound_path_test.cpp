#include "transport/mqtt_inbound_path.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace linkd;
using namespace linkd::transport;

namespace {

struct no_carrier : inbound_carrier {
  void on_frames_waiting() override {}
  void on_inbound_closed(mqtt_inbound_path&) override {}
};

// As a link does: the path is gone before the reason is looked at.
struct owner : path_events {
  void on_path_up(std::size_t) override {}
  void on_frame(bytes) override {}
  void on_path_room() override {}
  void on_path_down(error reason) override {
    way.reset();
    told = reason.text;
  }

  std::unique_ptr<mqtt_inbound_path> way;
  std::string told;
};

}  // namespace

TEST_CASE("inbound path: that it failed before it was started is told with its reason") {
  boost::asio::io_context io;
  no_carrier carrier;
  owner link;
  const std::string why = "a reason that is too long to stand within the string itself";
  link.way = std::make_unique<mqtt_inbound_path>(
      io, carrier, path_stream({1, 1}, {"a", "b", true}, std::nullopt), 1000, "from b");
  link.way->start(link);
  link.way->fail({errc::unavailable, why});
  io.run();
  CHECK(link.told == why);
}
