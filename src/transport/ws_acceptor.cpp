#include "transport/ws_acceptor.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "base/backoff.hpp"
#include "mqtt_linkd/limits.hpp"
#include "net/tls_context.hpp"
#include "transport/failure_limit.hpp"
#include "transport/refusal_log.hpp"
#include "transport/ws_path.hpp"
#include "transport/ws_reception.hpp"

namespace linkd::transport {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds accept_retry_delay{200};  // when out of file descriptors
constexpr std::size_t pending_max = 256;
constexpr std::size_t pending_per_address_max = 64;

// A neighbour owns a whole /64, so that is what counts as one address.
std::string address_of(const tcp::endpoint& remote) {
  const auto& address = remote.address();
  if (address.is_v4()) return address.to_string();
  if (address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return asio::ip::network_v6(address.to_v6(), 64).canonical().to_string();
}

}  // namespace

class ws_acceptor::listener : public std::enable_shared_from_this<listener> {
 public:
  listener(asio::io_context& io, const daemon_settings& us, const clock& time, logger& log,
           random_source& random)
      : io_(io),
        settings_(*us.listen),
        time_(time),
        log_(log),
        random_(random),
        refusals_(log, "dialler_refused", "turned away "),
        acceptor_(io),
        pause_(io) {}

  void configure(const std::vector<link_settings>& links);
  void start(acceptor_events& events);
  void stop();
  [[nodiscard]] bool is_listening() const { return acceptor_.is_open(); }

 private:
  // A connection that is nobody's yet. Oldest first in pending_.
  struct pending {
    std::string address;
    std::unique_ptr<ws_reception> reception;
  };
  struct live_path {
    std::uint64_t number;
    ws_path* inbound;
  };
  using place = std::list<pending>::iterator;
  using self = std::shared_ptr<listener>;

  result<void> read_certificate();
  asio::awaitable<void> run(self alive);
  asio::awaitable<void> listen_at_last();
  result<void> listen();
  void tell_links(const error& why);
  void admit(tcp::socket socket);
  void make_room_for(const std::string& address);
  asio::awaitable<void> receive(self alive, place mine);
  result<void> judge(const std::string& peer, const credentials_shown& shown,
                     const std::string& address);
  void hand_over(ws_guest guest, const std::string& address);
  void note_refusal(const std::string& peer, const std::string& address, const std::string& why);

  asio::io_context& io_;
  listen_settings settings_;
  const clock& time_;
  logger& log_;
  random_source& random_;
  refusal_log refusals_;
  link_admission admission_;
  failure_limit failures_, certificate_failures_;
  std::set<std::string> links_;
  std::shared_ptr<asio::ssl::context> context_;  // none: `ws`, or the certificate cannot be used
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  acceptor_events* events_ = nullptr;  // none: stopped
  std::list<pending> pending_;
  std::map<std::string, live_path> live_;  // by the peer's name
  std::uint64_t last_number_ = 0;
};

void ws_acceptor::listener::configure(const std::vector<link_settings>& links) {
  admission_.configure(links);
  links_.clear();
  for (const link_settings& each : links) links_.insert(each.name);
  if (!is_listening()) return;  // it is read when it is needed
  if (const auto read = read_certificate(); !read) {
    log_.write(log_level::error, "listen_certificate_bad", "",
               read.error().text + "; the one read before stays in use");
  }
}

result<void> ws_acceptor::listener::read_certificate() {
  if (settings_.server.scheme != scheme::wss) return {};
  auto made = net::make_server_context(settings_.tls);
  if (!made) return made.error();
  context_ = std::make_shared<asio::ssl::context>(made->release());
  return {};
}

void ws_acceptor::listener::start(acceptor_events& events) {
  events_ = &events;
  asio::co_spawn(io_, run(shared_from_this()), asio::detached);
}

void ws_acceptor::listener::stop() {
  events_ = nullptr;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (const pending& each : pending_) each.reception->close();
}

asio::awaitable<void> ws_acceptor::listener::run(self /*alive*/) {
  co_await listen_at_last();
  while (events_) {
    auto [failed, socket] = co_await acceptor_.async_accept(no_throw);
    if (!events_) co_return;
    if (failed) {
      pause_.expires_after(accept_retry_delay);
      co_await pause_.async_wait(no_throw);
    } else {
      admit(std::move(socket));
    }
  }
}

// The address may come up later than we do, and the certificate may come with it.
asio::awaitable<void> ws_acceptor::listener::listen_at_last() {
  backoff delay(limits::reconnect_delay_min, limits::reconnect_delay_max);
  std::string told;
  while (events_) {
    const auto listening = listen();
    if (listening) {
      log_.write(log_level::info, "listening", "", "peers may dial " + to_string(settings_.server));
      co_return;
    }
    if (std::exchange(told, listening.error().text) != listening.error().text) {
      log_.write(log_level::error, "listen_failed", "", told);
      tell_links(listening.error());
    }
    pause_.expires_after(delay.next(random_));
    co_await pause_.async_wait(no_throw);
  }
}

result<void> ws_acceptor::listener::listen() {
  const std::string failure = "cannot listen on " + to_string(settings_.server) + ": ";
  if (const auto read = read_certificate(); !read) {
    return error{errc::unavailable, failure + read.error().text};
  }
  error_code failed;
  const auto address = asio::ip::make_address(
      settings_.server.host == "localhost" ? "127.0.0.1" : settings_.server.host, failed);
  const tcp::endpoint here(address, settings_.server.port);
  tcp::acceptor made(io_);
  if (!failed) made.open(here.protocol(), failed);
  if (!failed) made.set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) made.bind(here, failed);
  if (!failed) made.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return error{errc::unavailable, failure + failed.message()};
  acceptor_ = std::move(made);
  return {};
}

void ws_acceptor::listener::tell_links(const error& why) {
  for (const std::string& each : links_) {
    if (admission_.accepts(each)) events_->on_unreachable(each, why);
  }
}

void ws_acceptor::listener::admit(tcp::socket socket) {
  error_code gone;
  const auto remote = socket.remote_endpoint(gone);
  if (gone) return;
  socket.set_option(tcp::no_delay(true), gone);
  socket.set_option(asio::socket_base::keep_alive(true), gone);
  const std::string address = address_of(remote);
  // Its certificate is seen before there is a way to tell it anything.
  if (!certificate_failures_.allows(address, time_.now())) {
    return note_refusal("", address, "too_many_failures: of certificates");
  }
  make_room_for(address);
  pending_.push_back({address, std::make_unique<ws_reception>(
                                   std::move(socket), context_,
                                   [this, address](const auto& peer, const auto& shown) {
                                     return judge(peer, shown, address);
                                   })});
  asio::co_spawn(io_, receive(shared_from_this(), std::prev(pending_.end())), asio::detached);
}

// A client that is quick is not kept out by those that only sit there.
void ws_acceptor::listener::make_room_for(const std::string& address) {
  const auto of_address = [&](const pending& each) { return each.address == address; };
  auto oldest = pending_.end();
  if (std::ranges::count_if(pending_, of_address) >= std::ptrdiff_t{pending_per_address_max}) {
    oldest = std::ranges::find_if(pending_, of_address);
  } else if (pending_.size() >= pending_max) {
    oldest = pending_.begin();
  }
  if (oldest != pending_.end()) oldest->reception->close();
}

asio::awaitable<void> ws_acceptor::listener::receive(self /*alive*/, place mine) {
  auto received = co_await mine->reception->receive();
  const std::string address = mine->address;
  pending_.erase(mine);
  if (!events_) co_return;
  if (received) {
    hand_over(std::move(*received), address);
    co_return;
  }
  const errc code = received.error().code;
  if (code == errc::permission) certificate_failures_.on_failure(address, time_.now());
  if (code == errc::permission || code == errc::invalid) {
    note_refusal("", address, received.error().text);
  }
}

result<void> ws_acceptor::listener::judge(const std::string& peer, const credentials_shown& shown,
                                          const std::string& address) {
  const time_point now = time_.now();
  if (!failures_.allows(address, now)) {
    return error{errc::unavailable, "too_many_failures: try again later"};
  }
  std::string for_us;
  const auto allowed = admission_.check(peer, shown, for_us);
  if (allowed) {
    failures_.on_success(address);
    certificate_failures_.on_success(address);
  } else {
    failures_.on_failure(address, now);
    note_refusal(peer, address, for_us.empty() ? allowed.error().text : for_us);
  }
  return allowed;
}

void ws_acceptor::listener::hand_over(ws_guest guest, const std::string& address) {
  if (const auto old = live_.find(guest.peer); old != live_.end()) {
    ws_path* const inbound = old->second.inbound;
    live_.erase(old);
    inbound->end(
        {errc::unavailable,
         "the peer dialled again: its old connection is gone, or a second daemon runs for it"});
  }
  const std::uint64_t number = ++last_number_;
  const auto forget = [weak = weak_from_this(), peer = guest.peer, number] {
    const auto alive = weak.lock();
    if (!alive) return;
    const auto found = alive->live_.find(peer);
    if (found != alive->live_.end() && found->second.number == number) alive->live_.erase(found);
  };
  const bool encrypted = settings_.server.scheme == scheme::wss;
  auto inbound =
      std::make_unique<ws_path>(io_, std::move(guest.connection), std::move(guest.first_frame),
                                (encrypted ? "wss://" : "ws://") + address, forget);
  live_[guest.peer] = {number, inbound.get()};
  events_->on_inbound(guest.peer, std::move(inbound));
}

void ws_acceptor::listener::note_refusal(const std::string& peer, const std::string& address,
                                         const std::string& why) {
  const bool known = links_.contains(peer);
  refusals_.note(known ? peer : "", address + ": " + why);
  if (known && events_) {
    events_->on_unreachable(peer, {errc::refused, "turned away " + address + ": " + why});
  }
}

ws_acceptor::ws_acceptor(asio::io_context& io, const daemon_settings& us, const clock& time,
                         logger& log, random_source& random)
    : listener_(std::make_shared<listener>(io, us, time, log, random)) {}

ws_acceptor::~ws_acceptor() {
  listener_->stop();
}

void ws_acceptor::configure(const std::vector<link_settings>& links) {
  listener_->configure(links);
}

void ws_acceptor::start(acceptor_events& events) {
  listener_->start(events);
}

bool ws_acceptor::is_listening() const {
  return listener_->is_listening();
}

}  // namespace linkd::transport
