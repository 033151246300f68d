#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/time.hpp"

namespace linkd::net {

// When the certificates of this PEM file end (notAfter): the first to do so. Reads the file.
result<stamp> first_expiry(const std::string& pem_file);

// The names in the verified certificate of the other side: its subject's CN and its DNS SANs (RFC
// 5280, section 4.2.1.6). Empty: it showed none.
std::vector<std::string> peer_certificate_names(const SSL* connection);

}  // namespace linkd::net
