// Requests to the admin port, from the bytes on the socket to the answer.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include "admin/service.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/admin/fake_control.hpp"
#include "tests/unit/admin/fakes.hpp"

using namespace linkd;
namespace http = boost::beast::http;

namespace {

admin::service& service_under_test() {
  static test::manual_clock clock;
  static test::recording_logger log;
  static test::fake_control orders;
  static admin::service service(
      admin_settings{{scheme::http, "127.0.0.1", 8871}, ""},
      {[] { return link::deployment_status{}; }, [] { return admin::process_status{}; },
       [] { return admin::ready_state{}; }},
      orders, clock, log);
  log.lines.clear();
  clock.time += seconds(1);
  return service;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(8u << 10);
  parser.body_limit(64u << 10);
  parser.eager(true);
  boost::beast::error_code failed;
  std::size_t used = 0;
  while (used < size && !parser.is_done() && !failed) {
    const std::size_t put = parser.put(boost::asio::buffer(data + used, size - used), failed);
    if (put == 0 && !failed) break;
    used += put;
  }
  if (!parser.is_header_done()) return 0;
  const auto any = service_under_test().handle(parser.get(), {"127.0.0.1", false});
  const auto* const whole = std::get_if<admin::http_response>(&any);
  if (!whole) return 0;  // events, or a test of a link that there is not
  const admin::http_response& answer = *whole;
  fuzz::must(answer.result_int() >= 200 && answer.result_int() < 600, "an answer has a status");
  for (const auto& field : answer) {
    fuzz::must(field.value().find_first_of("\r\n") == boost::beast::string_view::npos,
               "nothing of a request breaks the header");
  }
  return 0;
}
