#include "mqtt/native/client.hpp"

#include <utility>

#include "mqtt/native/connection.hpp"

namespace linkd::mqtt {

native_client::native_client(boost::asio::io_context& io, client_settings settings)
    : connection_(std::make_shared<connection>(io, std::move(settings))) {}

native_client::~native_client() {
  connection_->abandon();
}

void native_client::start(client_events& events) {
  connection_->start(events);
}

void native_client::disconnect() {
  connection_->disconnect();
}

void native_client::hold() {
  connection_->hold();
}

void native_client::release() {
  connection_->release();
}

result<packet_id> native_client::publish(const message& what) {
  connection_->schedule_flush();
  return connection_->protocol().publish(what);
}

result<packet_id> native_client::subscribe(const std::vector<std::string>& filters,
                                           const subscribe_options& options,
                                           std::optional<std::uint32_t> subscription_id) {
  connection_->schedule_flush();
  return connection_->protocol().subscribe(filters, options, subscription_id);
}

result<packet_id> native_client::unsubscribe(const std::vector<std::string>& filters) {
  connection_->schedule_flush();
  return connection_->protocol().unsubscribe(filters);
}

}  // namespace linkd::mqtt
