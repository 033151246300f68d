#include "tests/support/epmd.hpp"

#include <stdexcept>

#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

namespace linkd::test {

using namespace std::chrono_literals;

epmd::epmd(const std::filesystem::path& directory)
    : port_(free_port()),
      process_(process_settings{
          {"epmd", "-port", port(), "-address", "127.0.0.1"}, {}, directory / "epmd.log"}) {
  if (!eventually(30s, [this] { return accepts_connections(port_); })) {
    throw std::runtime_error("epmd does not start");
  }
}

}  // namespace linkd::test
