#include "tests/support/certificates.hpp"

#include <stdexcept>
#include <vector>

#include "tests/support/process.hpp"

namespace linkd::test {
namespace {

void openssl(const std::string& log, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  process_settings settings;
  settings.arguments = std::move(arguments);
  settings.output = log;
  if (process(settings).wait(std::chrono::seconds(60)) != 0) {
    throw std::runtime_error("openssl: " + read_file(log));
  }
}

}  // namespace

void certificates::make_authority(const std::string& name) {
  openssl(
      path("openssl.log"),
      {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
       "2", "-subj", "/CN=" + name, "-keyout", path(name + ".key"), "-out", path(name + ".crt")});
}

void certificates::make(const std::string& name, const wish& what) {
  const std::string file = path(name);
  openssl(path("openssl.log"),
          {"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=" + what.subject, "-keyout", file + ".key", "-out", file + ".csr"});
  write_file(file + ".ext", what.names.empty() ? "" : "subjectAltName=" + what.names + "\n");
  openssl(path("openssl.log"),
          {"x509", "-req", "-in", file + ".csr", "-CA", path(what.authority + ".crt"), "-CAkey",
           path(what.authority + ".key"), "-CAcreateserial", "-days", std::to_string(what.days),
           "-extfile", file + ".ext", "-out", file + ".new"});
  std::filesystem::rename(file + ".new", file + ".crt");
}

}  // namespace linkd::test
