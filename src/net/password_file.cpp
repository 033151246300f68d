#include "net/password_file.hpp"

#include <fstream>

namespace linkd::net {
namespace {

constexpr std::size_t password_bytes_max = 65535;  // MQTT 5, section 3.1.3.6

}  // namespace

result<secret> read_password_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  if (in) std::getline(in, line);  // what editors add after it does not count
  if (!in) return error{errc::io, "cannot read a password from " + path};
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.size() > password_bytes_max) return error{errc::invalid, path + ": password too long"};
  return secret(std::move(line));
}

result<secret> password_of(const credentials& login) {
  if (login.password_file.empty()) return login.password;
  return read_password_file(login.password_file);
}

}  // namespace linkd::net
