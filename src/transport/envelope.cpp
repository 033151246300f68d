#include "transport/envelope.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "base/coding.hpp"

namespace linkd::transport {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::uint8_t flag_mac = 1;
constexpr std::size_t header_bytes = 26;
constexpr std::size_t mac_bytes = 32;
static_assert(header_bytes + mac_bytes == envelope_overhead_bytes_max);

struct free_mac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

bool update(EVP_MAC_CTX* context, bytes_view data) {
  return EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(data.data()),
                        data.size()) == 1;
}

// HMAC-SHA256 over the direction and then `sealed`, the envelope without its MAC.
bytes mac_of(bytes_view sealed, const direction& way, const secret& key) {
  static const std::unique_ptr<EVP_MAC, free_mac> hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  bytes prefix;
  prefix.push_back(way.from_dialler ? 'D' : 'A');
  for (const auto* name : {&way.sender, &way.receiver}) {
    put_le(prefix, static_cast<std::uint8_t>(name->size()));
    prefix += *name;
  }
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                             OSSL_PARAM_construct_end()};
  const std::unique_ptr<EVP_MAC_CTX, free_mac> context(EVP_MAC_CTX_new(hmac.get()));
  const std::string& octets = key.reveal();
  bytes mac(mac_bytes, '\0');
  std::size_t written = 0;
  if (!context ||
      EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(octets.data()),
                   octets.size(), parameters.data()) != 1 ||
      !update(context.get(), prefix) || !update(context.get(), sealed) ||
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(mac.data()), &written,
                    mac.size()) != 1 ||
      written != mac_bytes) {
    // Out of memory, or a libcrypto without HMAC: nothing may pass unauthenticated.
    throw std::runtime_error("libcrypto cannot compute HMAC-SHA256");
  }
  return mac;
}

}  // namespace

bytes seal(const envelope& what, const direction& way, const std::optional<secret>& key) {
  bytes sealed;
  sealed.reserve(envelope_overhead_bytes_max + what.frame.size());
  put_le(sealed, format_version);
  put_le(sealed, key ? flag_mac : std::uint8_t{0});
  put_le(sealed, what.path.incarnation);
  put_le(sealed, what.path.dial);
  put_le(sealed, what.number);
  sealed += what.frame;
  if (key) sealed += mac_of(sealed, way, *key);
  return sealed;
}

result<envelope> open(bytes_view sealed, const direction& way, const std::optional<secret>& key) {
  if (sealed.empty()) return error{errc::corrupt, "an empty payload"};
  if (get_le<std::uint8_t>(sealed) != format_version) {
    return error{errc::version, "an envelope of version " +
                                    std::to_string(get_le<std::uint8_t>(sealed)) +
                                    "; this daemon knows version 1"};
  }
  if (sealed.size() < header_bytes) return error{errc::corrupt, "a payload shorter than a header"};
  const auto flags = get_le<std::uint8_t>(sealed.substr(1));
  if ((flags & ~flag_mac) != 0) return error{errc::corrupt, "unknown flags in an envelope"};
  bytes_view body = sealed;
  if ((flags & flag_mac) != 0) {
    if (!key) return error{errc::permission, "a MAC, but no frame_key_file is set here"};
    if (sealed.size() < header_bytes + mac_bytes) return error{errc::corrupt, "half a MAC"};
    body.remove_suffix(mac_bytes);
    const bytes expected = mac_of(body, way, *key);
    if (CRYPTO_memcmp(expected.data(), sealed.data() + body.size(), mac_bytes) != 0) {
      return error{errc::permission, "a wrong MAC: forged, or the two frame_key_file differ"};
    }
  } else if (key) {
    return error{errc::permission, "no MAC: forged, or no frame_key_file is set over there"};
  }
  body.remove_prefix(2);
  envelope opened;
  opened.path.incarnation = *take_le<std::uint64_t>(body);
  opened.path.dial = *take_le<std::uint64_t>(body);
  opened.number = *take_le<std::uint64_t>(body);
  opened.frame = body;
  return opened;
}

std::optional<path_id> claimed_path(bytes_view sealed) {
  if (sealed.size() < header_bytes) return std::nullopt;
  return path_id{get_le<std::uint64_t>(sealed.substr(2)), get_le<std::uint64_t>(sealed.substr(10))};
}

}  // namespace linkd::transport
