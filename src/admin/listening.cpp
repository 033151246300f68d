#include "admin/listening.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace linkd::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using local = asio::local::stream_protocol;

constexpr mode_t socket_mode = 0660;  // the daemon's user and group

}  // namespace

result<std::shared_ptr<tcp::acceptor>> listen_tcp(asio::io_context& io,
                                                  const server_address& address) {
  error_code failed;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, failed);
  if (failed) return error{errc::io, failed.message()};
  const tcp::endpoint endpoint = found.begin()->endpoint();
  auto acceptor = std::make_shared<tcp::acceptor>(io);
  acceptor->open(endpoint.protocol(), failed);
  if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor->bind(endpoint, failed);
  if (!failed) acceptor->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return error{errc::io, failed.message()};
  return acceptor;
}

result<std::shared_ptr<local::acceptor>> listen_unix(asio::io_context& io,
                                                     const std::string& path) {
  error_code failed;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return error{errc::invalid, "the path is too long for a socket"};
  }
  auto acceptor = std::make_shared<local::acceptor>(io);
  const local::endpoint endpoint(path);
  acceptor->open(endpoint.protocol(), failed);
  if (!failed) acceptor->bind(endpoint, failed);
  if (failed == asio::error::address_in_use) {
    struct stat there {};
    local::socket probe(io);
    error_code nobody;
    probe.connect(endpoint, nobody);
    if (nobody == asio::error::connection_refused && ::lstat(path.c_str(), &there) == 0 &&
        S_ISSOCK(there.st_mode)) {
      ::unlink(path.c_str());
      acceptor->bind(endpoint, failed);
    }
  }
  // Nobody can connect before listen(), whatever the umask left open until here.
  if (!failed && ::chmod(path.c_str(), socket_mode) != 0) {
    failed = error_code(errno, boost::system::system_category());
  }
  if (!failed) acceptor->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return error{errc::io, failed.message()};
  return acceptor;
}

}  // namespace linkd::admin
