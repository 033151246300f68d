#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "mqtt_linkd/ports/clock.hpp"
#include "mqtt_linkd/ports/log.hpp"
#include "mqtt_linkd/ports/random.hpp"
#include "mqtt_linkd/ports/storage.hpp"
#include "mqtt_linkd/ports/subscription_source.hpp"
#include "mqtt_linkd/ports/worker.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::live {

// The source that `interest.source` names. References outlive it; `io` runs on one thread, which
// makes every call.
std::unique_ptr<subscription_source> make_source(boost::asio::io_context& io,
                                                 const daemon_settings& settings, clock& time,
                                                 random_source& random, storage& disk,
                                                 worker& background, logger& log);

}  // namespace linkd::live
