#pragma once

#include <cstddef>

namespace linkd::test {

// What a daemon of the same preset may need on top: one sanitizer keeps what was freed, the other a
// shadow of what is in use.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t sanitizer_bytes = 600'000'000;
#else
inline constexpr std::size_t sanitizer_bytes = 0;
#endif

}  // namespace linkd::test
