#include "broker/echo_guard.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "base/coding.hpp"

namespace linkd::broker_adapter {

namespace {

struct digest_deleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

echo_guard::fingerprint echo_guard::fingerprint_of(const message& what) {
  static const std::unique_ptr<EVP_MD_CTX, digest_deleter> context(EVP_MD_CTX_new());
  bytes topic;  // with its length in front, so that no other split of the same bytes is equal
  put_le<std::uint32_t>(topic, static_cast<std::uint32_t>(what.topic.size()));
  topic += what.topic;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), topic.data(), topic.size()) != 1 ||
      EVP_DigestUpdate(context.get(), what.payload.data(), what.payload.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");  // a broken OpenSSL: no way to go on
  }
  fingerprint out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

void echo_guard::counts::add(const fingerprint& which, std::size_t count) {
  of[which] += count;
  total += count;
}

bool echo_guard::counts::take(const fingerprint& which) {
  const auto found = of.find(which);
  if (found == of.end()) return false;
  if (--found->second == 0) of.erase(found);
  --total;
  return true;
}

void echo_guard::published(const message& what) {
  after_.add(fingerprint_of(what));
}

bool echo_guard::swallow(const message& captured) {
  if (empty()) return false;
  const fingerprint which = fingerprint_of(captured);
  if (!late_.take(which) && !before_.take(which) && !after_.take(which)) return false;
  swallowed_.push_back(which);
  return true;
}

bytes echo_guard::begin_barrier(std::uint64_t unique) {
  for (const auto& [which, count] : after_.of) before_.add(which, count);
  after_ = {};
  barrier_.clear();
  put_le(barrier_, unique);
  return barrier_;
}

bool echo_guard::end_barrier(bytes_view payload) {
  if (barrier_.empty() || payload != barrier_) return false;
  barrier_.clear();
  late_ = one_queue_ ? counts{} : std::move(before_);
  before_ = {};
  return true;
}

void echo_guard::connection_lost() {
  for (const auto& which : std::exchange(swallowed_, {})) before_.add(which);
  barrier_.clear();
}

void echo_guard::clear() {
  late_ = {};
  before_ = {};
  after_ = {};
  swallowed_.clear();
  barrier_.clear();
}

}  // namespace linkd::broker_adapter
