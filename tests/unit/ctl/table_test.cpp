#include "ctl/table.hpp"

#include <catch2/catch.hpp>

using namespace linkd;
using ctl::cell;
using ctl::table;

namespace {

table two_links() {
  table out({"LINK", "WAITS", "REASON"});
  out.add({{"london"}, {"7", {}, true}, {"is here"}});
  out.add({{"p\u00e4ris"}, {"1200", {}, true}, {"nobody answers at this address"}});
  return out;
}

}  // namespace

TEST_CASE("table: columns are aligned, numbers at their right", "[ctl]") {
  CHECK(two_links().text({}) ==
        "LINK    WAITS  REASON\n"
        "london      7  is here\n"
        "p\u00e4ris    1200  nobody answers at this address\n");
}

TEST_CASE("table: on a narrow screen the last cell follows in words, or is cut", "[ctl]") {
  CHECK(two_links().text({.columns = 24}) ==
        "LINK    WAITS  REASON\n"
        "london      7  is here\n"
        "p\u00e4ris    1200\n"
        "    nobody answers at\n"
        "    this address\n");
  CHECK(two_links().text({.columns = 24, .cuts = true}) ==
        "LINK    WAITS  REASON\n"
        "london      7  is here\n"
        "p\u00e4ris    1200  nobody an\n");
  CHECK(two_links().text({.columns = 45}) == two_links().text({}));
}

TEST_CASE("table: colours only where they are wanted, and no orders to a terminal", "[ctl]") {
  table one({});
  one.add({{"up", ctl::colour::good}, {"\x1b[2J\u009b"}});
  CHECK(one.text({}) == "up  ?[2J?\n");
  CHECK(one.text({.coloured = true}) == "\x1b[32mup\x1b[0m  ?[2J?\n");
}
