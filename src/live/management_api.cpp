#include "live/management_api.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace linkd::live {
namespace {

namespace json = boost::json;

error not_understood(std::string_view what) {
  return {errc::invalid, "the broker's API answers something else: " + std::string(what)};
}

result<json::value> parse_json(std::string_view body) {
  boost::system::error_code failed;
  json::value parsed = json::parse(json::string_view(body.data(), body.size()), failed);
  if (failed) return error{errc::invalid, "the broker's API does not answer JSON"};
  return parsed;
}

// Null if it is no such member.
const json::value* member(const json::value& of, const char* name) {
  const auto* object = of.if_object();
  return object ? object->if_contains(name) : nullptr;
}

std::optional<std::string> text_of(const json::value& of, const char* name) {
  const auto* value = member(of, name);
  const auto* text = value ? value->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string(text->data(), text->size());
}

// An array of objects with these two texts.
result<std::vector<management_api::row>> rows_of(const json::value* list, const char* client,
                                                 const char* filter) {
  const auto* all = list ? list->if_array() : nullptr;
  if (!all) return not_understood("no list");
  std::vector<management_api::row> rows;
  rows.reserve(all->size());
  for (const auto& each : *all) {
    auto who = text_of(each, client);
    auto what = text_of(each, filter);
    if (!who || !what) {
      return not_understood("a subscription without `" + std::string(client) + "` and `" + filter +
                            "`");
    }
    rows.push_back({*std::move(who), *std::move(what)});
  }
  return rows;
}

// Bindings of the topic exchange. An MQTT subscription binds the queue
// `mqtt-subscription-<client id>qos<0|1>` with its filter in AMQP's spelling.
class rabbitmq_api final : public management_api {
 public:
  [[nodiscard]] std::string target(std::size_t) const override {
    return "/api/exchanges/%2F/amq.topic/bindings/source?columns=destination,routing_key";
  }
  [[nodiscard]] result<page> parse(std::string_view body) const override {
    const auto parsed = parse_json(body);
    if (!parsed) return parsed.error();
    auto rows = rows_of(&*parsed, "destination", "routing_key");
    if (!rows) return rows.error();
    for (row& each : *rows) {
      each.client = client_of(each.client);
      each.filter = filter_of(std::move(each.filter));
    }
    return page{*std::move(rows), true};
  }
  [[nodiscard]] std::vector<std::string> triggers() const override { return {"binding/#"}; }
  [[nodiscard]] bool hides_dots() const override { return true; }

 private:
  static std::string client_of(std::string_view queue) {
    constexpr std::string_view prefix = "mqtt-subscription-";
    if (queue.starts_with(prefix)) queue.remove_prefix(prefix.size());
    if (queue.ends_with("qos0") || queue.ends_with("qos1")) queue.remove_suffix(4);
    return std::string(queue);
  }
  // A `*` is a wildcard only where it is the whole word; AMQP's `#` may stand anywhere.
  static std::string filter_of(std::string key) {
    std::replace(key.begin(), key.end(), '.', '/');
    for (std::size_t i = 0; i < key.size(); ++i) {
      const bool begins = i == 0 || key[i - 1] == '/';
      const bool ends = i + 1 == key.size() || key[i + 1] == '/';
      if (key[i] == '*' && begins && ends) key[i] = '+';
    }
    return key;
  }
};

class emqx_api final : public management_api {
 public:
  [[nodiscard]] std::string target(std::size_t page_number) const override {
    return "/api/v5/subscriptions?limit=1000&page=" + std::to_string(page_number);
  }
  [[nodiscard]] result<page> parse(std::string_view body) const override {
    const auto parsed = parse_json(body);
    if (!parsed) return parsed.error();
    auto rows = rows_of(member(*parsed, "data"), "clientid", "topic");
    if (!rows) return rows.error();
    const auto* meta = member(*parsed, "meta");
    const auto* has_next = meta ? member(*meta, "hasnext") : nullptr;
    // Before 5.0.12 there is no `hasnext`: a full page may have another behind it.
    const bool last = has_next && has_next->is_bool() ? !has_next->get_bool() : rows->size() < 1000;
    return page{*std::move(rows), last};
  }
  [[nodiscard]] std::vector<std::string> triggers() const override {
    return {"$SYS/brokers/+/clients/+/subscribed", "$SYS/brokers/+/clients/+/unsubscribed",
            "$SYS/brokers/+/clients/+/disconnected"};
  }
};

class nanomq_api final : public management_api {
 public:
  [[nodiscard]] std::string target(std::size_t) const override { return "/api/v4/subscriptions"; }
  [[nodiscard]] result<page> parse(std::string_view body) const override {
    const auto parsed = parse_json(body);
    if (!parsed) return parsed.error();
    const auto* code = member(*parsed, "code");
    if (!code || !code->is_int64() || code->get_int64() != 0) return not_understood("no `code` 0");
    auto rows = rows_of(member(*parsed, "data"), "clientid", "topic");
    if (!rows) return rows.error();
    return page{*std::move(rows), true};
  }
  [[nodiscard]] std::vector<std::string> triggers() const override {
    return {"$SYS/brokers/client_status/+"};
  }
};

}  // namespace

std::unique_ptr<management_api> make_management_api(interest_source source) {
  if (source == interest_source::rabbitmq) return std::make_unique<rabbitmq_api>();
  if (source == interest_source::emqx) return std::make_unique<emqx_api>();
  return std::make_unique<nanomq_api>();
}

}  // namespace linkd::live
