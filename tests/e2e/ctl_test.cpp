#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include "tests/e2e/http.hpp"
#include "tests/e2e/site.hpp"
#include "tests/support/eventually.hpp"

// mqtt-linkctl as an operator types it.
using namespace linkd;
using namespace linkd::test;
namespace json = boost::json;

namespace {

finished_process ctl(strings arguments, const strings& environment = {}) {
  arguments.insert(arguments.begin(), LINKD_CTL);
  return run(arguments, environment, std::chrono::seconds(60));
}

// A daemon with a link to a broker that is not there, and mqtt-linkctl at it.
struct fixture {
  fixture() {
    a.write_link("B", "mqtt://127.0.0.1:1", {"a/#"});
    a.start_daemon();
    REQUIRE(eventually(patience, [&] { return http_get(a.admin_port(), "/livez").status == 200; }));
  }
  finished_process operator()(strings arguments) {
    return ctl(std::move(arguments),
               {"MQTT_LINKD_ADMIN=http://127.0.0.1:" + std::to_string(a.admin_port())});
  }
  // The output of a command that goes well.
  std::string good(strings arguments) {
    const auto end = (*this)(std::move(arguments));
    INFO(end.output);
    CHECK(end.exit_code == 0);
    return end.output;
  }
  json::value good_json(strings arguments) {
    arguments.insert(arguments.begin(), {"-o", "json"});
    return json::parse(good(std::move(arguments)));
  }
  site a{"A"};
};

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("ctl: every command, as a table and as JSON") {
  fixture at;
  CHECK(says(at.good({"status"}), "deployment     A, mqtt-linkd "));
  CHECK(at.good_json({"status"}).at("deployment") == "A");
  CHECK(says(at.good({"links"}), "LINK  STATE"));
  CHECK(at.good_json({"links"}).at("links").at(0).at("name") == "B");
  CHECK(says(at.good({"show", "B"}), "\nmqtt.keepalive        30s\n"));
  CHECK(at.good_json({"show", "B"}).at("topics").at(0) == "a/#");
  CHECK(says(at.good({"queue", "B"}), "messages             0"));
  CHECK(at.good_json({"queue", "B"}).at("figures").at("queue").at("messages") == 0);
  CHECK(says(at.good({"interest", "B"}), "we ask B for 1:\n  a/#\n"));
  CHECK(at.good_json({"interest", "B", "--limit", "5"}).at("out").at("count") == 1);
  CHECK(says(at.good({"explain", "a/1"}), "we ask B for it by a/#"));
  CHECK(at.good_json({"explain", "a/1"}).at("incoming").at(0).at("wanted") == true);
  CHECK(says(at.good({"pause", "B"}), "B: paused: paused by an operator"));
  CHECK(says(at.good({"status"}), "paused"));
  CHECK(says(at.good({"resume", "B"}), "B: connecting: "));
  CHECK(says(at.good({"disable", "B"}), "B: disabled: "));
  CHECK(says(read_file(at.a.directory() / "links.d/B.yaml"), "enable: false"));
  CHECK(at.good_json({"enable", "B"}).at("enable") == true);
  CHECK(says(at.good({"purge", "B", "--yes"}), "0 messages were dropped"));
  CHECK(says(at.good({"reload"}), "the configuration is in force: 1 links"));
  const auto test = at({"test", "B"});
  CHECK(test.exit_code == 1);
  CHECK(says(test.output, "mqtt://127.0.0.1:1  failed"));
  CHECK(says(at.good({"add", "C", "--server", "mqtt://127.0.0.1:2", "--topics", "x/#", "--topics",
                      "y", "--allow", "z", "--username", "u", "--disabled", "--set",
                      "queue.max_bytes=2GiB", "--set", "mqtt.connections=2"}),
             "disabled"));
  CHECK(read_file(at.a.directory() / "links.d/C.yaml") ==
        "name: C\nenable: false\nserver: [\"mqtt://127.0.0.1:2\"]\ntopics: [\"x/#\", y]\n"
        "allow: [z]\nusername: u\nqueue:\n  max_bytes: 2GiB\nmqtt:\n  connections: 2\n");
  CHECK(says(at.good({"remove", "C", "-y"}), "C is removed"));
  CHECK_FALSE(std::filesystem::exists(at.a.directory() / "links.d/C.yaml"));
}

TEST_CASE("ctl: a no of the daemon is exit 1, and says what to do") {
  fixture at;
  const auto refused = [&](strings arguments) {
    const auto end = at(std::move(arguments));
    CHECK(end.exit_code == 1);
    return end.output;
  };
  CHECK(says(refused({"show", "nobody"}), "mqtt-linkctl: there is no link named nobody"));
  CHECK(says(refused({"show", "../x"}), "there is no"));
  const auto bad = refused({"add", "C", "--topics", "a/#/b", "--set", "colour=red"});
  CHECK(says(bad, "topics[0]: "));
  CHECK(says(bad, "unknown key 'colour'"));
  CHECK(says(refused({"explain", "a/#"}), "that is no topic name"));
  write_file(at.a.directory() / "links.d/D.yaml", "name: D\ntopics: [\n");
  CHECK(says(refused({"reload"}), "links.d/D.yaml:"));
}

TEST_CASE("ctl: wrong usage is exit 64 and changes nothing") {
  fixture at;
  for (const strings& arguments : {strings{},
                                   {"frobnicate"},
                                   {"show"},
                                   {"status", "x"},
                                   {"links", "--colour"},
                                   {"-o", "xml", "status"},
                                   {"purge", "B"},
                                   {"remove", "B"},
                                   {"watch"},
                                   {"interest", "B", "--limit", "0"},
                                   {"add", "C", "--set", "x"}}) {
    const auto end = at(arguments);
    CAPTURE(arguments, end.output);
    CHECK(end.exit_code == 64);
    CHECK(!end.output.empty());
  }
  CHECK(std::filesystem::exists(at.a.directory() / "links.d/B.yaml"));
  CHECK(ctl({"--help"}).exit_code == 0);
  CHECK(says(ctl({"--version"}).output, "mqtt-linkctl "));
}

TEST_CASE("ctl: without a daemon it says how to start one") {
  for (const std::string where : {"http://127.0.0.1:1", "unix:///nowhere/admin.sock"}) {
    const auto end = ctl({"--admin", where, "status"});
    CHECK(end.exit_code == 69);
    CHECK(says(end.output, "systemctl start mqtt-linkd"));
    CHECK(says(end.output, where));
  }
  CHECK(ctl({"--admin", "ftp://x", "status"}).exit_code == 64);
}

TEST_CASE("ctl: speaks through a unix socket of mode 0660, and with a token") {
  const temp_dir directory;
  const std::string socket = directory.path() / "admin.sock";
  const std::string token = directory.path() / "token";
  write_file(token, "correct horse\n");
  std::filesystem::permissions(token, std::filesystem::perms(0600));
  const std::string configuration = directory.path() / "mqtt-linkd.yaml";
  write_file(configuration,
             "deployment: A\nbroker:\n  server: mqtt://127.0.0.1:1\nadmin:\n  server: "
             "unix://" +
                 socket + "\n  token_file: " + token +
                 "\nstate_dir: " + (directory.path() / "state").string() + "\n");
  process daemon({{daemon_program(), "-c", configuration}, {}, directory.path() / "log"});
  REQUIRE(eventually(patience, [&] { return std::filesystem::is_socket(socket); }));
  CHECK(std::filesystem::status(socket).permissions() == std::filesystem::perms(0660));
  const auto without = ctl({"--admin", "unix://" + socket, "status"});
  CHECK(without.exit_code == 77);
  CHECK(says(without.output, "--token-file"));
  const auto end = ctl({"--admin", "unix://" + socket, "--token-file", token, "status"});
  CHECK(end.exit_code == 0);
  CHECK(says(end.output, "no links; create one"));
  CHECK(ctl({"--admin", "unix://" + socket, "--token-file", "/nowhere", "status"}).exit_code == 77);
}

TEST_CASE("ctl: watch fills a terminal until Ctrl-C, and gives it back") {
  fixture at;
  const std::string admin = "http://127.0.0.1:" + std::to_string(at.a.admin_port());
  int terminal = -1;
  for (const char* each : {"C", "D", "E", "F", "G", "H", "I", "J"}) {
    at.a.write_link(each, "", {"t"});
  }
  at.good({"reload"});
  const winsize window{12, 60, 0, 0};
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &window);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::execl(LINKD_CTL, LINKD_CTL, "-a", admin.c_str(), "watch", "-n", "1", nullptr);
    ::_exit(127);
  }
  ::fcntl(terminal, F_SETFL, O_NONBLOCK);
  std::string screen;
  const auto shows = [&](std::string_view text) {
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(terminal, buffer.data(), buffer.size())) > 0;) {
      screen.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return says(screen, text);
  };
  CHECK(eventually(patience, [&] { return shows("Ctrl-C ends this"); }));
  CHECK(says(screen, "\x1b[?1049h"));
  CHECK(says(screen, "\x1b[2mLINK"));
  CHECK(says(screen, " lines more: make the window higher"));
  const auto begin = screen.find("\x1b[J");
  const auto picture = screen.substr(begin, screen.find("Ctrl-C") - begin);
  CHECK(std::ranges::count(picture, '\n') == 11);  // and the note is the twelfth
  at.a.kill_daemon();
  CHECK(eventually(patience, [&] { return shows("systemctl start mqtt-linkd"); }));
  REQUIRE(::write(terminal, "\x03", 1) == 1);
  int status = -1;
  CHECK(eventually(patience, [&] {
    (void)shows("");
    return ::waitpid(child, &status, WNOHANG) == child;
  }));
  CHECK(status == 0);
  CHECK(shows("\x1b[?1049l"));
  ::close(terminal);
}

TEST_CASE("ctl: the completion knows commands, options and links") {
  fixture at;
  const auto complete = [&](const std::string& words, int cursor) {
    return run({"bash", "-c",
                "PATH=$(dirname " LINKD_CTL
                "):$PATH; source <(mqtt-linkctl completion); COMP_WORDS=(" +
                    words + "); COMP_CWORD=" + std::to_string(cursor) +
                    "; _mqtt_linkctl; echo \"${COMPREPLY[@]}\""},
               {"MQTT_LINKD_ADMIN=http://127.0.0.1:" + std::to_string(at.a.admin_port())})
        .output;
  };
  CHECK(complete("mqtt-linkctl pa", 1) == "pause\n");
  CHECK(complete("mqtt-linkctl pause ''", 2) == "B\n");
  CHECK(says(complete("mqtt-linkctl add --to", 2), "--topics"));
  CHECK(complete("mqtt-linkctl -o ''", 2) == "table json\n");
}
