#include "config/yaml_reader.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/unit/config/fixture.hpp"

using namespace linkd;
using namespace linkd::config;
using namespace linkd::test;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// What reading refuses the text for; empty if it does not.
std::string refusal(const std::string& text) {
  report found("hostile.yaml");
  const auto root = read_yaml(text, found);
  REQUIRE((root.has_value() || !found.errors().empty()));
  return found.errors().empty() ? "" : found.errors().front().what;
}

}  // namespace

TEST_CASE("yaml: a tree has the positions of its keys and values") {
  report found("a.yaml");
  const auto root = read_yaml("# comment\na: 1\nb:\n  - x\n  - {c: 'y'}\nd:\ne: ~\n", found);
  REQUIRE(root.has_value());
  CHECK(found.errors().empty());
  REQUIRE(root->entries.size() == 4);
  CHECK(root->entries[0].value.text == "1");
  CHECK(root->entries[0].value.at.line == 2);
  CHECK(root->entries[0].value.at.column == 4);
  const node& list = root->entries[1].value;
  REQUIRE(list.items.size() == 2);
  CHECK(list.items[0].at.line == 4);
  CHECK(list.items[1].entries[0].key == "c");
  CHECK(list.items[1].entries[0].at.column == 6);
  CHECK(list.items[1].entries[0].value.text == "y");
  CHECK(root->entries[2].value.type == node::kind::null);
  CHECK(root->entries[2].value.at.line == 6);
  CHECK(root->entries[3].value.type == node::kind::null);
}

TEST_CASE("yaml: line ends of other systems and a byte order mark are no problem") {
  CHECK(refusal("a: 1\r\nb: 2\r\n") == "");
  CHECK(refusal("\xef\xbb\xbf"
                "a: 1\n") == "");
}

TEST_CASE("yaml: bytes that are no text are refused with their place") {
  report found("a.yaml");
  CHECK_FALSE(read_yaml("a: 1\nb: \xff\n", found).has_value());
  REQUIRE(found.errors().size() == 1);
  CHECK(found.errors()[0].line == 2);
  CHECK(found.errors()[0].column == 4);
  CHECK(refusal(std::string("a: 1\0", 5)) == "not UTF-8 text");
  CHECK(refusal(std::string("\xff\xfe"
                            "a\0:\0",
                            6)) == "not UTF-8 text");
}

TEST_CASE("yaml: what is no map of keys is refused") {
  CHECK(refusal("just text\n") == "must be `key: value` lines");
  CHECK(refusal("- a\n- b\n") == "must be `key: value` lines");
  CHECK(refusal("topics: [#]\n").find("needs quotes: [\"#\"]") != std::string::npos);
  CHECK(refusal("a: 1\n---\nb: 2\n") == "not YAML: a file holds one document only");
  for (const auto* text :
       {"a: [1\n", "a: b: c\n", "a:\n\tb: 1\n\tc: 2\n", "a: \"x\n", "a: 'x\nb: 1\n# end\n\n",
        "{a: 1", "]", "a: *nowhere\n", "%YAML 9.9\n---\n%\n", "a: |x\n"}) {
    CAPTURE(text);
    CHECK(refusal(text) != "");
  }
}

TEST_CASE("yaml: a bomb of aliases is not followed") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    const auto name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + repeat(before + ", ", 9) + before + "]\n";
  }
  CHECK(refusal(bomb) == "aliases (*name) are not supported");
  CHECK(refusal("a: &a [*a]\n") != "");
  CHECK(refusal("base: &base {x: 1}\nb:\n  <<: *base\n") != "");
}

TEST_CASE("yaml: depth, number of values and number of keys are bounded") {
  CHECK(refusal("a: " + repeat("[", 15) + repeat("]", 15)) == "");
  CHECK(refusal("a: " + repeat("[", 16) + repeat("]", 16)) == "not YAML: nested too deeply");
  for (const auto* opening : {"[", "{", "- ", "? ", "[a, ", "{a: "}) {
    CAPTURE(opening);
    const std::string text(opening);
    CHECK(refusal(repeat(text, (1u << 20) / text.size())) != "");
  }
  CHECK(refusal("a: [" + repeat("b,", 99'997) + "]") == "");
  CHECK(refusal("a: [" + repeat("b,", 99'998) + "]") == "not YAML: too many values for one file");
  std::string keys;
  for (int i = 0; i < 1000; ++i) keys += "key" + std::to_string(i) + ": 1\n";
  CHECK(refusal(keys) == "");
  CHECK(refusal(keys + "more: 1\n") == "not YAML: more than 1000 keys in a map");
}

TEST_CASE("yaml: large scalars, many anchors and many empty lines are read or refused, quickly") {
  refusal("a: " + std::string(1'000'000, 'x'));
  refusal("a: \"" + repeat("\\x41", 250'000) + "\"");
  refusal("a: |\n" + repeat(" \n", 500'000));
  refusal(repeat("&a ", 340'000));
  refusal(repeat(std::string(1000, 'a') + " ", 1000) + ": b");
  refusal(repeat("-\n", 500'000));
  refusal(repeat("#", 1'000'000));
}

TEST_CASE("config: a file larger than 1 MiB is refused, one of 1 MiB is read") {
  config_files files;
  const auto base = read_file(files.main_file());
  const auto padded = [&](std::size_t size) {
    files.write("mqtt-linkd.yaml", base + std::string(size - base.size(), '#'));
    return problems_of(load_daemon(files.main_file()));
  };
  CHECK(padded(1u << 20).empty());
  const auto problems = padded((1u << 20) + 1);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].what == "is larger than 1MiB");
}

TEST_CASE("config: a flood of problems is cut, and says so") {
  report found("a.yaml");
  for (int i = 0; i < 1000; ++i) found.error({i + 1, 1}, "key", "wrong");
  REQUIRE(found.errors().size() == report::problems_max + 1);
  CHECK_THAT(found.errors().back().what, Catch::Contains("more problems"));
}

TEST_CASE("config: a link with very many filters is read, and redundant ones are found") {
  config_files files;
  const auto daemon = std::get<loaded_daemon>(load_daemon(files.main_file())).settings;
  std::string text = "name: london\ntopics:\n";
  for (int i = 0; i < 20'000; ++i) text += "- t/" + std::to_string(i) + "/+\n";
  const auto file = files.path("links.d/london.yaml");
  CHECK(std::get<loaded_link>(parse_link(text, file, daemon)).settings.topics.size() == 20'000);
  const auto problems = problems_of(parse_link(text + "- t/#\n", file, daemon));
  CHECK(problems.size() == report::problems_max);
}

TEST_CASE("config: damaged files never do more than produce problems") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  const std::string etc = LINKD_ETC;
  const auto sample = read_file(etc + "/links.d/london.yaml.sample");
  constexpr std::string_view spice = "[]{}:,#&*!|>'\"%@`-? \n\t\\$\x80\xc3";
  daemon_settings daemon;
  daemon.deployment = "paris";
  std::size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = sample;
    // Most keys of the sample are comments.
    for (std::size_t at = 0; (at = text.find("\n#", at)) != std::string::npos; ++at) {
      if (below(2) == 0) text.erase(at + 1, 1);
    }
    for (auto edits = below(8); edits > 0; --edits) {
      const auto at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = spice[below(spice.size())];
          break;
        case 1:
          text.erase(at, below(40) + 1);
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), below(40)));
          break;
        default:
          text.insert(at, repeat(std::string(1, spice[below(spice.size())]), below(40)));
      }
    }
    const auto outcome = parse_link(text, "london.yaml", daemon);
    for (const auto& each : problems_of(outcome)) {
      CHECK(each.line >= 1);
      CHECK(each.column >= 1);
      CHECK_FALSE(each.what.empty());
    }
    refused += problems_of(outcome).empty() ? 0 : 1;
  }
  CHECK(refused > 0);
}
