#pragma once

#include <string>

#include "tests/support/temp_dir.hpp"

namespace linkd::test {

// Certificates of authorities of their own, made by openssl(1). Throws std::runtime_error.
class certificates {
 public:
  struct wish {
    std::string subject = "test";  // common name
    std::string names = {};        // subjectAltName: "DNS:a.test,IP:127.0.0.1"
    int days = 2;                  // < 0: expired
    std::string authority = "ca";
  };

  certificates() { make_authority("ca"); }
  void make_authority(const std::string& name);
  // Writes <name>.crt and <name>.key, replacing what was there.
  void make(const std::string& name, const wish& what);
  // Of a file in our directory.
  [[nodiscard]] std::string path(const std::string& file) const {
    return (directory_.path() / file).string();
  }

 private:
  temp_dir directory_;
};

}  // namespace linkd::test
