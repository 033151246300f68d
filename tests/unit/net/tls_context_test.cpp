#include "net/tls_context.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <utility>

#include "tests/support/certificates.hpp"

using namespace linkd;
using namespace linkd::test;

namespace {

struct connection_deleter {
  void operator()(SSL* connection) const { SSL_free(connection); }
};
using connection = std::unique_ptr<SSL, connection_deleter>;

// What the two say to each other, without a network. True: both are content.
bool shake_hands(SSL_CTX* client_side, SSL_CTX* server_side) {
  const connection client(SSL_new(client_side)), server(SSL_new(server_side));
  BIO *one = nullptr, *other = nullptr;
  REQUIRE(BIO_new_bio_pair(&one, 0, &other, 0) == 1);
  SSL_set_bio(client.get(), one, one);
  SSL_set_bio(server.get(), other, other);
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  int client_done = 0, server_done = 0;
  for (int turns = 0; turns < 20 && (client_done != 1 || server_done != 1); ++turns) {
    client_done = SSL_do_handshake(client.get());
    server_done = SSL_do_handshake(server.get());
  }
  return client_done == 1 && server_done == 1;
}

// A peer that would speak any version up to this one, however weak.
net::tls_context at_most(net::tls_context made, int version) {
  SSL_CTX_set_security_level(made.get(), 0);
  REQUIRE(SSL_CTX_set_cipher_list(made.get(), "ALL:@SECLEVEL=0") == 1);
  REQUIRE(SSL_CTX_set_min_proto_version(made.get(), TLS1_VERSION) == 1);
  REQUIRE(SSL_CTX_set_max_proto_version(made.get(), version) == 1);
  return made;
}

struct ends {
  ends() {
    files.make("server", {.names = "DNS:server.test"});
    settings.ca_file = files.path("ca.crt");
    settings.cert_file = files.path("server.crt");
    settings.key_file = files.path("server.key");
  }
  [[nodiscard]] net::tls_context client() const {
    return std::move(*net::make_client_context(settings, "server.test"));
  }
  [[nodiscard]] net::tls_context server() const {
    return std::move(*net::make_server_context(settings));
  }

  certificates files;
  tls_settings settings;
};

}  // namespace

TEST_CASE("tls context: TLS 1.2 is the least, whatever the other side would speak") {
  const ends s;
  CHECK(SSL_CTX_get_min_proto_version(s.client().get()) == TLS1_2_VERSION);
  CHECK(SSL_CTX_get_min_proto_version(s.server().get()) == TLS1_2_VERSION);

  const auto old_client = at_most(s.client(), TLS1_1_VERSION);
  const auto old_server = at_most(s.server(), TLS1_1_VERSION);
  CHECK(shake_hands(old_client.get(), old_server.get()));  // they could
  CHECK_FALSE(shake_hands(old_client.get(), s.server().get()));
  CHECK_FALSE(shake_hands(s.client().get(), old_server.get()));

  CHECK(shake_hands(at_most(s.client(), TLS1_2_VERSION).get(), s.server().get()));
  CHECK(shake_hands(s.client().get(), s.server().get()));
}
