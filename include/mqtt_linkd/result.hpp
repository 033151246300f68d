#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace linkd {

// What kind of failure, for code that must choose. `text` is for people.
enum class errc {
  invalid,     // input breaks a rule of ours or of a standard
  corrupt,     // stored or received bytes do not check out
  too_large,   // over a limit of ours or of the other side
  not_found,   // no such file, link, record
  exists,      // a thing that must be new is there already
  locked,      // another process holds it
  permission,  // the operating system says no
  no_space,    // disk full, quota or file size limit
  io,          // any other failure of disk or network
  refused,     // the other side understood and said no
  version,     // the other side speaks or wrote another version
  unavailable  // not now: not connected, busy, stopped
};

struct error {
  errc code = errc::invalid;
  std::string text;  // one line, lower case, says what to do where we know it
};

[[noreturn]] inline void throw_exception_from_error(const error& failure,
                                                    const boost::source_location& where) {
  boost::throw_with_location(std::runtime_error(failure.text), where);
}

// A value or an error; asking for a value that is not there is a bug of the caller (it throws).
template <class T>
class [[nodiscard]] result : public boost::system::result<T, linkd::error> {
 public:
  using boost::system::result<T, linkd::error>::result;
};

template <>
class [[nodiscard]] result<void> : public boost::system::result<void, linkd::error> {
 public:
  using boost::system::result<void, linkd::error>::result;
};

}  // namespace linkd
