#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "config/config.hpp"
#include "config/link_json.hpp"
#include "config/link_text.hpp"
#include "config/values.hpp"

namespace linkd::config {
namespace {

namespace json = boost::json;

const node* find_value(const node& map, std::string_view key) {
  const auto found = std::ranges::find(map.entries, key, &entry::key);
  return found == map.entries.end() ? nullptr : &found->value;
}

// The settings to write, made of what is wanted and what the file has.
class merger {
 public:
  merger(const std::string& file, const link_settings* secrets_of)
      : file_(file), secrets_of_(secrets_of) {}

  // The node of a key: `had` if `wanted` is what `shown` says; none: leave the key out.
  std::optional<node> merge(const std::string& path, const json::value* shown, const node* had,
                            const json::value& wanted) {
    if (shown && *shown == wanted) return had ? std::optional(*had) : std::nullopt;
    if (wanted.is_object()) return merge_map(path, shown, had, wanted.get_object());
    return fresh(path, wanted);
  }

  [[nodiscard]] const std::vector<problem>& problems() const { return problems_; }

 private:
  std::optional<node> merge_map(const std::string& path, const json::value* shown, const node* had,
                                const json::object& wanted) {
    node out;
    out.type = node::kind::map;
    const json::object* const shown_map = shown ? shown->if_object() : nullptr;
    if (shown && !shown_map && !shown->is_null()) problem_at(path, "must not be a map");
    for (const auto& [key, value] : wanted) {
      auto child =
          merge(path + "." + std::string(key), shown_map ? shown_map->if_contains(key) : nullptr,
                had ? find_value(*had, key) : nullptr, value);
      if (child) out.entries.push_back({key, {}, std::move(*child)});
    }
    if (out.entries.empty() && shown) return std::nullopt;  // unknown keys are for the validator
    return out;
  }

  std::optional<node> fresh(const std::string& path, const json::value& wanted) {
    node out;
    if (wanted.is_null()) return std::nullopt;
    if (const json::array* items = wanted.if_array()) {
      out.type = node::kind::list;
      for (std::size_t i = 0; i < items->size(); ++i) {
        auto item = fresh(path + "[" + std::to_string(i) + "]", (*items)[i]);
        if (!item) item.emplace().type = node::kind::scalar;  // refused by the validator
        out.items.push_back(std::move(*item));
      }
      return out;
    }
    if (wanted.is_object()) {
      problem_at(path, "must be text");
      return std::nullopt;
    }
    out.type = node::kind::scalar;
    out.text = wanted.is_string() ? std::string(wanted.get_string()) : json::serialize(wanted);
    if (out.text.empty()) return std::nullopt;
    if (path == "password" && out.text == secret_mask) {
      if (!secrets_of_ || secrets_of_->login.password.empty()) {
        problem_at(path, "is the mask of a secret, and there is none to keep: send the password");
      } else {
        out.text = secrets_of_->login.password.reveal();
      }
    }
    if (out.text.find("${") != std::string::npos) {
      problem_at(path, "has ${: only the file may read the environment; edit it by hand");
    }
    return out;
  }

  void problem_at(const std::string& path, std::string what) {
    problems_.push_back({file_, 1, 1, path, std::move(what)});
  }

  const std::string& file_;
  const link_settings* secrets_of_;
  std::vector<problem> problems_;
};

link_settings defaults(const daemon_settings& daemon) {
  link_settings out;
  out.client_id_prefix = daemon.deployment;
  out.control_prefix = daemon.control_prefix;
  return out;
}

}  // namespace

std::variant<std::string, std::vector<problem>> edit_link(const std::string& file,
                                                          const std::string& old_text,
                                                          const link_settings* running,
                                                          const json::object& wanted,
                                                          const daemon_settings& daemon) {
  const auto old = parse_link(old_text, file, daemon);
  const auto* sound = std::get_if<loaded_link>(&old);
  link_text text(sound ? old_text : "");
  const json::object shown = link_json(sound ? sound->settings : defaults(daemon));
  merger merge(file, running);
  for (const auto& [key, value] : wanted) {
    text.set(key, merge.merge(key, shown.if_contains(key), text.find(key), value));
  }
  text.keep_only([&](std::string_view key) { return wanted.contains(key); });
  if (!merge.problems().empty()) return merge.problems();
  return text.to_string();
}

}  // namespace linkd::config
