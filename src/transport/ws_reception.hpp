#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <functional>
#include <memory>
#include <string>

#include "transport/link_admission.hpp"
#include "transport/ws_connection.hpp"

namespace linkd::transport {

// A peer that has proved who it is and has said its first frame.
struct ws_guest {
  std::string peer;
  std::unique_ptr<ws_connection> connection;
  bytes first_frame;
};

// One connection to our listener, from TCP to the first frame (WS.md, sections 1 to 3), every step
// with a time-out and a limit. One thread.
class ws_reception {
 public:
  // Whether `peer` may come in with what it shows; the error's text is what it is told.
  using judge =
      std::function<result<void>(const std::string& peer, const credentials_shown& shown)>;

  // `tls`: none for `ws`.
  ws_reception(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls,
               judge may_enter);

  // Once; this must live until it is done. errc::permission: its certificate failed. errc::invalid:
  // it speaks no TLS, or refuses our certificate. errc::refused: the judge said no, and the peer
  // was told. errc::unavailable: nobody we can name.
  boost::asio::awaitable<result<ws_guest>> receive();
  // receive() ends soon, with errc::unavailable.
  void close() { close_(); }

 private:
  using outcome = result<ws_guest>;

  boost::asio::awaitable<outcome> shake_hands();
  template <class Stream>
  boost::asio::awaitable<outcome> await_upgrade(std::unique_ptr<Stream> stream);
  template <class Stream>
  boost::asio::awaitable<outcome> turn_away(Stream& stream, const error& why);

  boost::beast::tcp_stream tcp_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  judge may_enter_;
  std::function<void()> close_ = [] {};  // the socket of the step under way
};

}  // namespace linkd::transport
