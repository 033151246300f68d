#include <algorithm>
#include <unordered_map>

#include "config/sections.hpp"
#include "config/values.hpp"
#include "topic/topic.hpp"

namespace linkd::config {
namespace {

constexpr std::size_t username_bytes_max = 65535;  // MQTT 5, section 1.5.4
constexpr std::size_t control_prefix_bytes_max = 100;
// First levels that brokers give a meaning of their own.
constexpr std::string_view reserved_levels[] = {"$share", "$queue", "$exclusive"};

std::string_view first_level(std::string_view topic) {
  return topic.substr(0, topic.find('/'));
}

bool is_reserved(std::string_view topic) {
  return std::ranges::find(reserved_levels, first_level(topic)) != std::end(reserved_levels);
}

// Empty: the filter is fine.
std::string filter_fault(const std::string& filter, const std::string& control_prefix) {
  if (is_reserved(filter)) {
    return in_quotes(filter) + ": " + std::string(first_level(filter)) + " cannot be linked";
  }
  const auto checked = topic::check_filter(filter);
  if (!checked) return in_quotes(filter) + ": " + checked.error().text;
  if (topic::covers(control_prefix + "/#", filter)) {
    return in_quotes(filter) + " is under the control prefix " + in_quotes(control_prefix);
  }
  return "";
}

// `filters` are the texts of `items`. Only what the union dropped is compared one by one, and only
// so often as there is room for problems: the list may be long and hostile.
void report_redundant(section& in, const std::vector<const section::item*>& items,
                      const std::vector<std::string>& filters) {
  const auto needed = topic::minimal_union(filters);  // sorted
  std::size_t found = 0;
  for (const auto* each : items) {
    if (std::ranges::binary_search(needed, each->text)) continue;
    // The union may also have dropped an item for another spelling of it (`#` for `+/#`).
    const auto wide = std::ranges::find_if(items, [&](const section::item* other) {
      return other != each && topic::covers(other->text, each->text);
    });
    if (wide == items.end()) continue;
    in.error(*each, in_quotes(each->text) + " is covered by " + in_quotes((*wide)->text) +
                        ": leave it out");
    if (++found == report::problems_max) return;
  }
}

}  // namespace

void read_login(section& in, credentials& out) {
  in.text("username", out.username, username_bytes_max);
  in.password("password", out.password);
  in.secret_file("password_file", out.password_file);
  if (in.has("password") && in.has("password_file")) {
    in.error("password", "stands beside password_file: keep one of them");
  }
}

void read_tls(section& in, std::span<const server_address> servers, std::string_view verify_key,
              tls_settings& out) {
  const bool encrypted = std::ranges::any_of(servers, [](const server_address& each) {
    return each.scheme == scheme::mqtts || each.scheme == scheme::wss;
  });
  in.map("tls", [&](section& tls) {
    tls.readable_file("ca_file", out.ca_file);
    tls.readable_file("cert_file", out.cert_file);
    tls.secret_file("key_file", out.key_file);
    tls.flag(verify_key, out.verify);
    if (verify_key == "verify") tls.text("server_name", out.server_name);
    if (tls.has("cert_file") && !tls.has("key_file")) tls.error("cert_file", "needs key_file");
    if (tls.has("key_file") && !tls.has("cert_file")) tls.error("key_file", "needs cert_file");
    if (!out.verify) tls.warning(verify_key, "anybody can pose as the other side");
  });
  // A server that could not be read has no host; its problem is reported already.
  const bool known = !servers.empty() && !servers.front().host.empty();
  if (known && !encrypted && out != tls_settings{}) {
    in.error("tls", "the server is reached without TLS: use mqtts:// or wss://");
  }
}

void read_protocol(section& in, mqtt_protocol& out) {
  in.choice("protocol", out,
            {{"auto", mqtt_protocol::automatic},
             {"5", mqtt_protocol::v5},
             {"3.1.1", mqtt_protocol::v311}});
}

void read_keepalive(section& in, seconds& out) {
  in.duration("keepalive", out, seconds(5), seconds(65535));
}

void read_control_prefix(section& in, std::string& out) {
  constexpr auto key = "control_prefix";
  std::string prefix;
  in.text(key, prefix, control_prefix_bytes_max);
  if (prefix.empty()) return;
  const auto checked = topic::check_name(prefix);
  if (!checked) {
    in.error(key, checked.error().text);
  } else if (prefix.ends_with('/')) {
    in.error(key, "must not end with '/'");
  } else if (is_reserved(prefix) || first_level(prefix) == "$SYS") {
    in.error(key, in_quotes(first_level(prefix)) + " belongs to the broker");
  } else {
    out = prefix;
  }
}

void read_filters(section& in, std::string_view key, const std::string& control_prefix,
                  std::vector<std::string>& out) {
  std::vector<section::item> items;
  if (!in.list(key, items)) return;

  std::vector<const section::item*> distinct;
  std::unordered_map<std::string_view, const section::item*> seen;
  out.clear();
  for (const auto& each : items) {
    const auto fault = filter_fault(each.text, control_prefix);
    if (!fault.empty()) {
      in.error(each, fault);
      continue;
    }
    const auto [earlier, fresh] = seen.emplace(each.text, &each);
    if (!fresh) {
      in.error(each, in_quotes(each.text) + " is there already, as " + earlier->second->path);
      continue;
    }
    distinct.push_back(&each);
    out.push_back(each.text);
  }

  report_redundant(in, distinct, out);
}

}  // namespace linkd::config
