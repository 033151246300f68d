#include "config/values.hpp"

#include <catch2/catch.hpp>

#include "tests/support/environment_variable.hpp"

using namespace linkd;
using namespace linkd::config;

TEST_CASE("config: a duration has a number and a unit") {
  CHECK(parse_duration("500ms").value() == milliseconds(500));
  CHECK(parse_duration("10s").value() == seconds(10));
  CHECK(parse_duration("5m").value() == seconds(300));
  CHECK(parse_duration("12h").value() == seconds(43'200));
  CHECK(parse_duration("7d").value() == seconds(604'800));
  CHECK(parse_duration("0s").value() == seconds(0));
  CHECK(parse_duration("106751991167d").value() == milliseconds(9'223'372'036'828'800'000));
  for (const auto* text : {"", "10", "s", "-1s", "+1s", "1.5s", "1 s", "1s ", " 1s", "1S", "1w",
                           "1h30m", "106751991168d", "99999999999999999999s", "0x10s"}) {
    CAPTURE(text);
    CHECK(parse_duration(text).has_error());
  }
}

TEST_CASE("config: a size is bytes or has a binary unit") {
  CHECK(parse_size("0").value() == 0);
  CHECK(parse_size("4096").value() == 4096);
  CHECK(parse_size("64KiB").value() == 65'536);
  CHECK(parse_size("16MiB").value() == 16'777'216);
  CHECK(parse_size("1GiB").value() == 1'073'741'824);
  CHECK(parse_size("2TiB").value() == 2'199'023'255'552);
  CHECK(parse_size("16777215TiB").value() == 18'446'742'974'197'923'840u);
  for (const auto* text :
       {"", "KiB", "1KB", "1kib", "1GB", "1 GiB", "-1", "1.5GiB", "16777216TiB", "1e9"}) {
    CAPTURE(text);
    CHECK(parse_size(text).has_error());
  }
}

TEST_CASE("config: durations and sizes are shown in the notation they are read in") {
  for (const auto* text : {"1s", "59s", "1m", "90s", "1h", "25h", "1d", "7d", "0ms"}) {
    CAPTURE(text);
    const auto value = std::chrono::duration_cast<seconds>(parse_duration(text).value());
    CHECK(duration_text(value) == text);
  }
  for (const auto* text : {"0", "1", "1023", "1KiB", "1025", "16MiB", "1GiB", "1023GiB", "64TiB"}) {
    CAPTURE(text);
    CHECK(size_text(parse_size(text).value()) == text);
  }
}

TEST_CASE("config: a server has a scheme, a host and maybe a port") {
  static constexpr scheme all[] = {scheme::mqtt, scheme::mqtts, scheme::unix_socket,
                                   scheme::ws,   scheme::wss,   scheme::http};
  const auto parsed = [](std::string_view text) { return parse_server(text, all).value(); };
  CHECK(parsed("mqtt://h") == server_address{scheme::mqtt, "h", 1883});
  CHECK(parsed("mqtts://h") == server_address{scheme::mqtts, "h", 8883});
  CHECK(parsed("ws://h") == server_address{scheme::ws, "h", 8870});
  CHECK(parsed("wss://h") == server_address{scheme::wss, "h", 8870});
  CHECK(parsed("http://h") == server_address{scheme::http, "h", 8871});
  CHECK(parsed("mqtt://mqtt.london.example:65535") ==
        server_address{scheme::mqtt, "mqtt.london.example", 65535});
  CHECK(parsed("mqtt://[2001:db8::1]:1") == server_address{scheme::mqtt, "2001:db8::1", 1});
  CHECK(parsed("mqtt://[fe80::1%eth0]") == server_address{scheme::mqtt, "fe80::1%eth0", 1883});
  CHECK(parsed("unix:///run/m.sock") == server_address{scheme::unix_socket, "/run/m.sock", 0});
  CHECK(parsed("unix:///" + std::string(106, 'a')).host.size() == 107);

  const std::string long_host(254, 'a');
  for (const std::string& text : {std::string(""),
                                  std::string("mqtt"),
                                  std::string("mqtt:"),
                                  std::string("mqtt://"),
                                  std::string("MQTT://h"),
                                  std::string("tcp://h"),
                                  std::string("h:1883"),
                                  std::string("mqtt://h:"),
                                  std::string("mqtt://h:0"),
                                  std::string("mqtt://h:65536"),
                                  std::string("mqtt://h:1x"),
                                  std::string("mqtt://h:-1"),
                                  std::string("mqtt://h/"),
                                  std::string("mqtt://h:1/"),
                                  std::string("mqtt://:1883"),
                                  std::string("mqtt://a b"),
                                  std::string("mqtt://::1"),
                                  std::string("mqtt://::1:1883"),
                                  std::string("mqtt://[::1"),
                                  std::string("mqtt://[::1]x"),
                                  std::string("mqtt://[h]"),
                                  std::string("mqtt://[]"),
                                  std::string("unix://"),
                                  std::string("unix://m.sock"),
                                  "mqtt://" + long_host,
                                  "unix:///" + std::string(107, 'a')}) {
    CAPTURE(text);
    CHECK(parse_server(text, all).has_error());
  }
}

TEST_CASE("config: a scheme that the key does not take is refused with those it takes") {
  static constexpr scheme two[] = {scheme::mqtt, scheme::mqtts};
  CHECK(parse_server("wss://h", two).error().text == "must begin with mqtt:// or mqtts://");
}

TEST_CASE("config: a password in a server is refused and not repeated") {
  static constexpr scheme all[] = {scheme::mqtt};
  const auto text = parse_server("mqtt://user:canary@host:1883", all).error().text;
  CHECK(text.find("canary") == std::string::npos);
}

TEST_CASE("config: only this machine reaches a local server") {
  const auto local = [](const char* host) { return is_local({scheme::ws, host, 1}); };
  CHECK(local("localhost"));
  CHECK(local("127.0.0.1"));
  CHECK(local("127.9.9.9"));
  CHECK(local("::1"));
  CHECK(is_local({scheme::unix_socket, "/run/x", 0}));
  CHECK_FALSE(local("0.0.0.0"));
  CHECK_FALSE(local("::"));
  CHECK_FALSE(local("128.0.0.1"));
  CHECK_FALSE(local("127.0.0.1.example"));
  CHECK_FALSE(local("localhost.example"));
}

TEST_CASE("config: ${NAME} is replaced by the environment, every other $ stays") {
  const test::environment_variable one("LINKD_TEST_ONE", "1");
  const test::environment_variable nested("LINKD_TEST_NESTED", "${LINKD_TEST_ONE}");
  const test::environment_variable empty("LINKD_TEST_EMPTY", "");
  const auto expanded = [](const char* text) { return expand_environment(text).value(); };
  CHECK(expanded("") == "");
  CHECK(expanded("$LINK") == "$LINK");
  CHECK(expanded("$$ $ $x} {x}") == "$$ $ $x} {x}");
  CHECK(expanded("${LINKD_TEST_ONE}") == "1");
  CHECK(expanded("a${LINKD_TEST_ONE}b${LINKD_TEST_ONE}") == "a1b1");
  CHECK(expanded("$${LINKD_TEST_ONE}") == "$1");
  CHECK(expanded("[${LINKD_TEST_EMPTY}]") == "[]");
  CHECK(expanded("${LINKD_TEST_NESTED}") == "${LINKD_TEST_ONE}");  // once
  for (const auto* text :
       {"${", "${}", "${LINKD_TEST_ONE", "${LINKD TEST}", "${a-b}", "${A${B}}"}) {
    CAPTURE(text);
    CHECK(expand_environment(text).has_error());
  }
  CHECK(expand_environment("${LINKD_TEST_UNSET}").error().text ==
        "the environment has no variable 'LINKD_TEST_UNSET'");
}

TEST_CASE("config: names of deployments and links cannot be anything else") {
  for (const auto* text : {"a", "Z", "9", "a-b_c", "paris-2"}) CHECK(is_name(text));
  CHECK(is_name(std::string(64, 'a')));
  CHECK_FALSE(is_name(std::string(65, 'a')));
  for (const auto* text : {"", "-a", "_a", ".", "..", "a/b", "/etc/passwd", "../x", "a b", "a\n",
                           "a.b", "p\u00e4ris", "\u0430"}) {
    CAPTURE(text);
    CHECK_FALSE(is_name(text));
  }
}

TEST_CASE("config: text is UTF-8 up to the first byte that is not") {
  const auto all = [](std::string_view text) { return valid_text_bytes(text) == text.size(); };
  CHECK(all(""));
  CHECK(all("plain"));
  CHECK(all("\u00e9\u20ac\U0001f600"));
  CHECK(all("\xf4\x8f\xbf\xbf"));
  CHECK(all("\xed\x9f\xbf\xee\x80\x80"));
  CHECK(valid_text_bytes(std::string_view("ab\0c", 4)) == 2);
  CHECK(valid_text_bytes("a\xc0\x80") == 1);      // overlong
  CHECK(valid_text_bytes("a\xe0\x9f\xbf") == 1);  // overlong
  CHECK(valid_text_bytes("\xf0\x8f\xbf\xbf") == 0);
  CHECK(valid_text_bytes("\xed\xa0\x80") == 0);      // surrogate
  CHECK(valid_text_bytes("\xf4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(valid_text_bytes("\xf5\x80\x80\x80") == 0);
  CHECK(valid_text_bytes("a\x80") == 1);
  CHECK(valid_text_bytes("\xe2\x82") == 0);
  CHECK(valid_text_bytes("\xe2\x82x") == 0);
}

TEST_CASE("config: quoted text is short and harmless") {
  CHECK(in_quotes("a b") == "'a b'");
  CHECK(in_quotes("a\n\x1b[31m") == "'a\\x0a\\x1b[31m'");
  CHECK(in_quotes(std::string(64, 'a')) == "'" + std::string(64, 'a') + "'");
  CHECK(in_quotes(std::string(65, 'a')) == "'" + std::string(64, 'a') + "...'");
  CHECK(in_quotes(std::string(63, 'a') + "\u00e9") == "'" + std::string(63, 'a') + "...'");
}
