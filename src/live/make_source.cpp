#include "live/make_source.hpp"

#include "live/mosquitto_source.hpp"
#include "live/polling_source.hpp"

namespace linkd::live {
namespace {

// `static`: there is never a view.
class fixed_source final : public subscription_source {
 public:
  void start(subscription_events&) override {}
  void stop() override {}
};

}  // namespace

std::unique_ptr<subscription_source> make_source(boost::asio::io_context& io,
                                                 const daemon_settings& settings, clock& time,
                                                 random_source& random, storage& disk,
                                                 worker& background, logger& log) {
  switch (settings.interest.source) {
    case interest_source::fixed:
      return std::make_unique<fixed_source>();
    case interest_source::mosquitto:
      return std::make_unique<mosquitto_source>(io, settings, time, random, disk, background, log);
    case interest_source::rabbitmq:
    case interest_source::emqx:
    case interest_source::nanomq:
      break;
  }
  return std::make_unique<polling_source>(io, settings, time, random, log);
}

}  // namespace linkd::live
