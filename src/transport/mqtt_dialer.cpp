#include "transport/mqtt_dialer.hpp"

#include "transport/mqtt_dialled_path.hpp"

namespace linkd::transport {

mqtt_dialer::mqtt_dialer(boost::asio::io_context& io, const daemon_settings& us,
                         std::uint64_t incarnation, logger& log)
    : io_(io),
      deployment_(us.deployment),
      control_prefix_(us.control_prefix),
      incarnation_(incarnation),
      refusals_(log, "frame_refused", "refused a frame: ") {}

std::unique_ptr<path> mqtt_dialer::dial(const link_settings& link, const server_address& server) {
  link_settings filled = link;
  if (filled.control_prefix.empty()) filled.control_prefix = control_prefix_;
  if (filled.client_id_prefix.empty()) filled.client_id_prefix = deployment_;
  auto& protocol = protocols_
                       .try_emplace({link.name + ' ' + to_string(server), link.mqtt.protocol},
                                    link.mqtt.protocol)
                       .first->second;
  return std::make_unique<mqtt_dialled_path>(
      dial_context{io_, refusals_, protocol}, std::move(filled), server,
      direction{deployment_, link.name, true}, path_id{incarnation_, ++dials_[link.name]});
}

}  // namespace linkd::transport
