#include "daemon/link_orders.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "config/files.hpp"
#include "config/link_json.hpp"
#include "config/values.hpp"

namespace linkd::daemon {
namespace {

using admin::done;
using admin::failure;
using admin::outcome;

constexpr std::size_t etag_bytes = 16;  // of a SHA-256

failure invalid(const std::vector<config::problem>& found) {
  const config::problem& first = found.front();
  return {errc::invalid, (first.key.empty() ? "" : first.key + ": ") + first.what,
          as_admin_problems(found)};
}

failure invalid_name(const std::string& link) {
  return invalid({{"", 0, 0, "name", config::in_quotes(link) + config::name_rule}});
}

failure no_link(const std::string& link) {
  return {errc::not_found, "there is no link named " + link, {}};
}

// The operating system's reason, and the way out: the directory may belong to somebody else.
failure not_written(const std::string& file, const error& why) {
  return {errc::io,
          file + ": " + why.text + "; let the daemon's user write there, or edit the file by hand",
          {}};
}

// Empty: there is no file.
result<std::string> text_of(const std::string& file) {
  auto content = config::read_config_file(file);
  if (content) return std::move(content->text);
  if (content.error().code == errc::not_found) return std::string();
  return content.error();
}

}  // namespace

std::vector<admin::problem> as_admin_problems(const std::vector<config::problem>& found) {
  std::vector<admin::problem> out;
  for (const config::problem& each : found) {
    out.push_back({each.file, each.line, each.column, each.key, each.what});
  }
  return out;
}

const link_settings* link_orders::running(const std::string& link) const {
  const auto found = std::ranges::find(in_force_.links, link, &link_settings::name);
  return found == in_force_.links.end() ? nullptr : &*found;
}

std::string link_orders::file_of(const std::string& link) const {
  return in_force_.daemon.links_dir + "/" + link + ".yaml";
}

std::optional<boost::json::object> link_orders::settings(const std::string& link) {
  const link_settings* const known = running(link);
  if (!known) return std::nullopt;
  return config::link_json(*known);
}

std::string link_orders::etag(const std::string& link) {
  if (!config::is_name(link)) return {};
  const auto content = config::read_config_file(file_of(link));
  if (!content) return {};
  // Both: a file edited by hand is another before it is read, what was shown is old once it is.
  const auto shown = settings(link);
  const std::string state = (shown ? boost::json::serialize(*shown) : "") + content->text;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(state.data()), state.size(), digest.data());
  std::string tag = "\"";
  for (std::size_t i = 0; i < etag_bytes; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    tag += digits[digest[i] >> 4];
    tag += digits[digest[i] & 15];
  }
  return tag + "\"";
}

outcome<done> link_orders::create(const std::string& link, const boost::json::object& settings) {
  if (!config::is_name(link)) return invalid_name(link);
  const auto old_text = text_of(file_of(link));
  if (running(link) || !old_text || !old_text->empty()) {
    return failure{
        errc::exists, "there is a link or a file named " + link + ": change that one", {}};
  }
  return write(link, "", settings);
}

outcome<done> link_orders::replace(const std::string& link, const boost::json::object& settings) {
  if (!config::is_name(link)) return no_link(link);
  const auto old_text = text_of(file_of(link));
  if (!old_text) return not_written(file_of(link), old_text.error());
  if (!running(link) && old_text->empty()) return no_link(link);
  return write(link, *old_text, settings);
}

outcome<done> link_orders::enable(const std::string& link, bool enabled) {
  if (!running(link)) return no_link(link);
  const auto old_text = text_of(file_of(link));
  if (!old_text) return not_written(file_of(link), old_text.error());
  const auto read = config::parse_link(*old_text, file_of(link), in_force_.daemon);
  if (const auto* problems = std::get_if<std::vector<config::problem>>(&read)) {
    return invalid(*problems);
  }
  auto settings = config::link_json(std::get<config::loaded_link>(read).settings);
  settings["enable"] = enabled;
  return write(link, *old_text, settings);
}

outcome<done> link_orders::write(const std::string& link, const std::string& old_text,
                                 const boost::json::object& wanted) {
  const std::string file = file_of(link);
  const auto edited = config::edit_link(file, old_text, running(link), wanted, in_force_.daemon);
  if (const auto* problems = std::get_if<std::vector<config::problem>>(&edited)) {
    return invalid(*problems);
  }
  const auto& text = std::get<std::string>(edited);
  const auto problems = config::check_link(text, file, in_force_.daemon);
  if (!problems.empty()) return invalid(problems);
  if (text != old_text) {
    const auto written = config::write_config_file(file, text);
    if (!written) return not_written(file, written.error());
  }
  reload_();
  return done{};
}

outcome<done> link_orders::remove(const std::string& link) {
  if (!config::is_name(link)) return no_link(link);
  const auto removed = config::remove_config_file(file_of(link));
  if (!removed && removed.error().code == errc::not_found) return no_link(link);
  if (!removed) return not_written(file_of(link), removed.error());
  reload_();
  return done{};
}

}  // namespace linkd::daemon
