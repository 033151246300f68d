#include "transport/link_admission.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.hpp"

using namespace linkd;
using namespace linkd::test;
using transport::link_admission;

namespace {

struct gate {
  gate() {
    const auto file = (directory.path() / "password").string();
    write_file(file, "p:ss\n");
    add("paris", {file, ""});
    add("rome", {"", "rome.example"});
    add("oslo", {file, "oslo"});
    add("bern", {});
    add("wien", {"/no/such/file", ""});
    who.configure(links);
  }
  void add(const std::string& name, const accept_settings& accept) {
    links.emplace_back().name = name;
    if (accept != accept_settings{}) links.back().accept = accept;
  }
  // Empty: let in.
  std::string answer(const std::string& name, std::string_view authorization,
                     std::vector<std::string> certificate = {}) {
    for_us.clear();
    const auto checked = who.check(name, {authorization, std::move(certificate)}, for_us);
    return checked ? "" : checked.error().text;
  }

  temp_dir directory;
  std::vector<link_settings> links;
  link_admission who;
  std::string for_us;
};

constexpr const char* right = "Basic cGFyaXM6cDpzcw==";  // paris:p:ss
constexpr const char* wrong = "Basic cGFyaXM6cDpzeA==";  // paris:p:sx

}  // namespace

TEST_CASE("link admission: the target names the deployment") {
  CHECK(*link_admission::deployment_in("/link/paris") == "paris");
  const std::string bad =
      GENERATE("", "/", "/link/", "/link", "paris", "/api/paris", "/link/" + std::string(65, 'a'));
  CHECK(link_admission::deployment_in(bad).has_error());
}

TEST_CASE("link admission: by password, whatever the username") {
  gate at;
  CHECK(at.answer("paris", right) == "");
  CHECK(at.answer("paris", "bAsIc eDpwOnNz") == "");  // x:p:ss
  CHECK(at.answer("paris", wrong) == "unauthorized: wrong password");
  const char* none = GENERATE("", "Basic", "Basic ", "Basic cGFyaXM6", "Basic cGFy", "Basic !!!!",
                              "Basic cGFyaXM6cDpzcw=", "Bearer cGFyaXM6cDpzcw==");
  CHECK(at.answer("paris", none) == "unauthorized: a password is needed");
}

TEST_CASE("link admission: by the name in a certificate") {
  gate at;
  CHECK(at.answer("rome", "", {"x", "rome.example"}) == "");
  CHECK(at.answer("rome", right) == "unauthorized: a client certificate is needed");
  CHECK(at.answer("rome", "", {"rome"}) ==
        "unauthorized: the client certificate bears another name");
}

TEST_CASE("link admission: what accept asks for must all be shown") {
  gate at;
  CHECK(at.answer("oslo", right, {"oslo"}) == "");
  CHECK(at.answer("oslo", right) == "unauthorized: a client certificate is needed");
  CHECK(at.answer("oslo", "", {"oslo"}) == "unauthorized: a password is needed");
}

TEST_CASE("link admission: strangers, and links that nobody may dial") {
  gate at;
  CHECK(at.answer("nowhere", right).find("unknown_deployment: ") == 0);
  CHECK(at.answer("bern", right, {"bern"}) == "unauthorized: nobody may dial as bern");
}

TEST_CASE("link admission: a password file is read at every attempt, and its trouble is ours") {
  gate at;
  CHECK(at.answer("wien", right) == "unauthorized: the password cannot be checked at the moment");
  CHECK(at.for_us.find("/no/such/file") != std::string::npos);
  write_file(at.directory.path() / "password", "p:sx");
  CHECK(at.answer("paris", right) == "unauthorized: wrong password");
  CHECK(at.answer("paris", wrong) == "");
  write_file(at.directory.path() / "password", "\n");
  CHECK(at.answer("paris", "Basic cGFyaXM6") == "unauthorized: a password is needed");
}
