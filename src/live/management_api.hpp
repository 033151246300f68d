#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::live {

// How one kind of broker tells its subscriptions over HTTP (live/HTTP.md). Pure.
class management_api {
 public:
  struct row {
    std::string client, filter;  // the filter as subscribed
    bool operator==(const row&) const = default;
  };
  struct page {
    std::vector<row> rows;
    bool last = true;
  };

  virtual ~management_api() = default;
  // The request for a page; the first is 1.
  [[nodiscard]] virtual std::string target(std::size_t page_number) const = 0;
  // errc::invalid: not what this API answers.
  [[nodiscard]] virtual result<page> parse(std::string_view body) const = 0;
  // MQTT topics at the broker on which something arrives when subscriptions may have changed, where
  // the operator has enabled it.
  [[nodiscard]] virtual std::vector<std::string> triggers() const = 0;
  // True if a `.` of a filter is told as `/`: see dotted_readings.
  [[nodiscard]] virtual bool hides_dots() const { return false; }
};

// `source`: rabbitmq, emqx or nanomq.
std::unique_ptr<management_api> make_management_api(interest_source source);

}  // namespace linkd::live
