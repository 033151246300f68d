// Debian has Boost.JSON as headers only; this is the one file that compiles it.
#include <boost/json/src.hpp>
