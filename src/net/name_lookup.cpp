#include "net/name_lookup.hpp"

#include <netdb.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace linkd::net {
namespace asio = boost::asio;
namespace {

struct list_deleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

result<name_lookup::endpoints> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
  const std::string why =
      code == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(code);
  const std::unique_ptr<addrinfo, list_deleter> list(raw);
  if (code != 0) return error{errc::unavailable, "name look-up: " + why};
  name_lookup::endpoints found;
  for (const addrinfo* each = list.get(); each; each = each->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (each->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
    endpoint.resize(each->ai_addrlen);
    found.push_back(endpoint);
  }
  if (found.empty()) return error{errc::unavailable, "name look-up: no address"};
  return found;
}

}  // namespace

// What the thread and the owner have in common.
struct name_lookup::shared {
  std::mutex guard;
  asio::io_context* io;  // null: given up
  callback done;         // only touched on the thread of `io`
};

name_lookup::name_lookup(asio::io_context& io, const std::string& host, std::uint16_t port,
                         callback done)
    : shared_(std::make_shared<shared>()) {
  shared_->io = &io;
  shared_->done = std::move(done);
  const auto tell = [weak = std::weak_ptr(shared_)](result<endpoints> found) {
    const auto owner = weak.lock();
    if (owner && owner->done) std::exchange(owner->done, nullptr)(std::move(found));
  };
  auto work = [common = shared_, host, port, tell] {
    auto found = look_up(host, port);
    std::lock_guard lock(common->guard);
    if (!common->io) return;
    asio::post(*common->io, [tell, found = std::move(found)] { tell(found); });
  };
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& failure) {
    asio::post(io, [tell, text = std::string(failure.what())] {
      tell(error{errc::unavailable, "name look-up: no thread: " + text});
    });
  }
}

name_lookup::~name_lookup() {
  std::lock_guard lock(shared_->guard);
  shared_->io = nullptr;
  shared_->done = nullptr;
}

}  // namespace linkd::net
