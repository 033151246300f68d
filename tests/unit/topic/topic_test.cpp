#include "topic/topic.hpp"

#include <catch2/catch.hpp>

#include "mqtt_linkd/limits.hpp"

using namespace linkd;
using namespace linkd::topic;

namespace {

using strings = std::vector<std::string>;

bool valid_name(std::string_view text) {
  return check_name(text).has_value();
}
bool valid_filter(std::string_view text) {
  return check_filter(text).has_value();
}
errc name_error(std::string_view text) {
  return check_name(text).error().code;
}
errc filter_error(std::string_view text) {
  return check_filter(text).error().code;
}

std::string deep(std::size_t levels) {
  return std::string(levels - 1, '/');
}

}  // namespace

TEST_CASE("topic: a name may hold every character but NUL and the wildcards", "[topic]") {
  for (const auto* name : {"a", "/", "//", "a b/c", "$SYS/x", "a/$b", "$share/g/t", "\x01\x7f",
                           "Größe/\xe2\x82\xac/\xf0\x9f\x98\x80", "\xef\xbb\xbf", "\xef\xbf\xbf"}) {
    CAPTURE(name);
    CHECK(valid_name(name));
  }
  for (const auto* name : {"", "+", "#", "a/+", "a+b", "a/#", "x#"}) {
    CAPTURE(name);
    CHECK_FALSE(valid_name(name));
  }
  CHECK(name_error(std::string_view("a\0b", 3)) == errc::invalid);
}

TEST_CASE("topic: names and filters are well-formed UTF-8", "[topic]") {
  for (const auto* text :
       {"\x80", "\xbf/a", "\xc0\xaf", "\xc1\x81", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xe2\x82",
        "\xe2(\xa1", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    CAPTURE(text);
    CHECK(name_error(text) == errc::invalid);
    CHECK(filter_error(text) == errc::invalid);
  }
  for (const auto* text : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(text);
    CHECK(valid_name(text));
    CHECK(valid_filter(text));
  }
}

TEST_CASE("topic: wildcards are whole levels and # is the last", "[topic]") {
  for (const auto* filter : {"#", "+", "+/#", "a/+/b", "/+", "+/", "a/#", "/#", "$SYS/#", "a//b",
                             "$share", "a/$share/b"}) {
    CAPTURE(filter);
    CHECK(valid_filter(filter));
  }
  for (const auto* filter : {"", "a+", "+a", "a/b+/c", "#/a", "a/#/b", "#/", "a#", "##", "++", "+#",
                             "$share/g/t", "$share/"}) {
    CAPTURE(filter);
    CHECK(filter_error(filter) == errc::invalid);
  }
  CHECK(filter_error(std::string_view("a\0", 2)) == errc::invalid);
}

TEST_CASE("topic: bytes and levels have a limit", "[topic]") {
  const std::string longest(limits::topic_bytes_max, 'a');
  CHECK(valid_name(longest));
  CHECK(valid_filter(longest));
  CHECK(name_error(longest + "a") == errc::too_large);
  CHECK(filter_error(longest + "a") == errc::too_large);

  CHECK(valid_name(deep(limits::topic_levels_max)));
  CHECK(valid_filter(deep(limits::topic_levels_max)));
  CHECK(name_error(deep(limits::topic_levels_max + 1)) == errc::too_large);
  CHECK(filter_error(deep(limits::topic_levels_max + 1)) == errc::too_large);
}

TEST_CASE("topic: match table", "[topic]") {
  struct row {
    const char *filter, *name;
    bool matches;
  };
  const row table[] = {
      {"a/b", "a/b", true},       {"a/b", "a/B", false},    {"a/b", "a/b/", false},
      {"+", "a", true},           {"+", "/", false},        {"+/+", "/", true},
      {"/+", "/a", true},         {"+", "/a", false},       {"a/+", "a/", true},
      {"a/+", "a", false},        {"a/+/c", "a//c", true},  {"a/+", "a/b/c", false},
      {"#", "a", true},           {"#", "/", true},         {"#", "a/b/c", true},
      {"a/#", "a", true},         {"a/#", "a/", true},      {"a/#", "a/b/c", true},
      {"a/#", "ab", false},       {"a/b/#", "a", false},    {"+/#", "a", true},
      {"#", "$SYS", false},       {"#", "$SYS/x", false},   {"+", "$SYS", false},
      {"+/x", "$SYS/x", false},   {"$SYS/#", "$SYS", true}, {"$SYS/#", "$SYS/x/y", true},
      {"$SYS/+", "$SYS/x", true}, {"a/+", "a/$b", true},    {"a/#", "a/$b", true},
  };
  for (const auto& [filter, name, expected] : table) {
    CAPTURE(filter, name);
    CHECK(matches(filter, name) == expected);
  }
}

TEST_CASE("topic: intersection table", "[topic]") {
  struct row {
    const char *a, *b;
    std::optional<std::string> both;
  };
  const std::optional<std::string> none;
  const row table[] = {
      {"t/global/#", "t/+/1/+", "t/global/1/+"},
      {"1/+/3/+/5/#", "+/2/+/4/+", "1/2/3/4/5"},
      {"t/local/1/#", "t/local/+", "t/local/1"},
      {"t/global/#", "t/local/+", none},
      {"t", "t/#", "t"},
      {"a/b", "a/b/#", "a/b"},
      {"a/b", "a/b/+/#", none},
      {"#", "+/x", "+/x"},
      {"+/#", "#", "#"},
      {"/#", "/+/#", "/#"},
      {"/#", "+", none},
      {"/#", "/", "/"},
      {"/#", "+/+/#", "/#"},
      {"#", "#", "#"},
      {"a/#", "a/+/#", "a/+/#"},
      {"+/b/#", "a/+/c/#", "a/b/c/#"},
      {"t/+/1", "t/1/+", "t/1/1"},
      {"t/+/1", "t/1/+/+", none},
      {"/from-B", "#", "/from-B"},
      {"/from-B", "+/+", "/from-B"},
      {"/from-B", "+", none},
      {"/", "+/+", "/"},
      {"a//c", "a/+/c", "a//c"},
      {"a/", "a/+", "a/"},
      {"a", "a/+", none},
      {"a/$b", "a/+", "a/$b"},
      {"$SYS/broker", "#", none},
      {"$SYS/broker", "+/+", none},
      {"$SYS/broker/#", "$SYS/+/+", "$SYS/broker/+"},
      {"$SYS/#", "+/brokers/#", none},
      {"$SYS/#", "#", none},
      {"$SYS/#", "$SYS", "$SYS"},
      {"+", "+", "+"},
      {"+", "#", "+"},
      {"+/#", "a", "a"},
      {"+/+/#", "a/#", "a/+/#"},
  };
  for (const auto& [a, b, both] : table) {
    CAPTURE(a, b);
    CHECK(intersect(a, b) == both);
    CHECK(intersect(b, a) == both);
  }
}

TEST_CASE("topic: an intersection too long for a topic is none", "[topic]") {
  const std::string half(limits::topic_bytes_max / 2, 'a');
  CHECK(intersect(half + "/+", "+/" + half) == half + "/" + half);
  CHECK(intersect(half + "/+", "+/a" + half) == std::nullopt);
}

TEST_CASE("topic: one filter intersected with a list", "[topic]") {
  const strings list{"t/+/1/#", "t/z", "t/1/+"};
  CHECK(intersect("t/+", list) == strings{"t/z"});
  CHECK(intersect("t/+/+", list) == strings{"t/+/1", "t/1/+"});
  CHECK(intersect("t/+/2/3/#", {"t/1/+/3/#", "t/z", "t/1/2/+"}) == strings{"t/1/2/3/#"});
  CHECK(intersect("t/+/#", {"t/1", "t/2", "t/3"}) == strings{"t/1", "t/2", "t/3"});
  CHECK(intersect("t/+/#", {"t/1", "t/2", "t/3", "t/+"}) == strings{"t/+"});
  CHECK(intersect("t/6", {"t/1", "t/2", "t/+", "t/#"}) == strings{"t/6"});
  CHECK(intersect("x", list).empty());
  CHECK(intersect("x", strings{}).empty());
}

TEST_CASE("topic: minimal union table", "[topic]") {
  CHECK(minimal_union({"t/1/2/+", "t/1/2/#"}) == strings{"t/1/2/#"});
  CHECK(minimal_union({"t/+/1/#", "t/1/+/#"}) == strings{"t/+/1/#", "t/1/+/#"});
  CHECK(minimal_union({"+/#", "t/1/2/#", "$SYS/cluster"}) == strings{"#", "$SYS/cluster"});
  CHECK(minimal_union({"+/#", "#"}) == strings{"#"});
  CHECK(minimal_union({"/#", "+/+/#"}) == strings{"+/+/#"});
  CHECK(minimal_union({"/+/#"}) == strings{"/#"});
  CHECK(minimal_union({"b", "a", "b"}) == strings{"a", "b"});
  CHECK(minimal_union({"a", "a/#"}) == strings{"a/#"});
  CHECK(minimal_union({}).empty());
}

TEST_CASE("topic: join table", "[topic]") {
  CHECK(join("a/b", "a/b") == "a/b");
  CHECK(join("a/b", "a/c") == "a/+");
  CHECK(join("a/b", "a/b/c") == "a/b/#");
  CHECK(join("a/b", "a/c/d") == "a/+/#");
  CHECK(join("a", "b/c") == "#");
  CHECK(join("a/#", "a/b/c") == "a/#");
  CHECK(join("$SYS/a", "$SYS/b") == "$SYS/+");
  CHECK(join("$SYS/a", "b/a") == std::nullopt);
  CHECK(join("$SYS", "#") == std::nullopt);
  CHECK(join("$a", "$b") == std::nullopt);
}

TEST_CASE("topic: a join never grows over the limit of a topic", "[topic]") {
  const std::string common(limits::topic_bytes_max - 3, 'a');
  CHECK(join(common + "/+/", common + "//+") == common + "/#");
}

TEST_CASE("topic: a disjoint cover joins what overlaps and nothing else", "[topic]") {
  CHECK(disjoint_cover({"t/+/1", "t/1/+", "u/1"}) == strings{"t/+/+", "u/1"});
  CHECK(disjoint_cover({"a/+", "+/b", "x/c/d"}) == strings{"+/+", "x/c/d"});
  CHECK(disjoint_cover({"a/+", "+/b", "+/+/c", "$SYS/x"}) == strings{"$SYS/x", "+/+", "+/+/c"});
  CHECK(disjoint_cover({"a/#", "+/b", "x"}) == strings{"#"});
  CHECK(disjoint_cover({}).empty());
}

TEST_CASE("topic: a shortened filter keeps its beginning and covers the whole", "[topic]") {
  const auto to_levels = [](std::string_view filter, std::size_t levels) {
    return shorten(filter, levels, 1000);
  };
  CHECK(to_levels("a/b/c", 3) == "a/b/c");
  CHECK(to_levels("a/b/c", 2) == "a/b/#");
  CHECK(to_levels("a/b/#", 2) == "a/b/#");
  CHECK(to_levels("a/b/#", 1) == "a/#");
  CHECK(to_levels("a/b", 0) == "#");
  CHECK(to_levels("#", 0) == "#");
  CHECK(to_levels("+/b/c", 1) == "#");
  CHECK(to_levels("/b/c", 1) == "/#");
  CHECK(to_levels("a", 1) == "a");
  CHECK(to_levels("$SYS/a/b", 0) == "$SYS/#");
  CHECK(shorten("abc/def/ghi", 9, 11) == "abc/def/ghi");
  CHECK(shorten("abc/def/ghi", 9, 10) == "abc/def/#");
  CHECK(shorten("abc/def/ghi", 9, 8) == "abc/#");
  CHECK(shorten("abcdefgh/i", 9, 6) == "#");
  CHECK(shorten("$bcdefgh/i", 9, 6) == "$bcdefgh/#");
}
