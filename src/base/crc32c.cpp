#include "base/crc32c.hpp"

#include <boost/crc.hpp>

namespace linkd {

std::uint32_t crc32c(bytes_view data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  return crc.checksum();
}

}  // namespace linkd
