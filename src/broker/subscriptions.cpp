#include "broker/subscriptions.hpp"

#include <algorithm>
#include <utility>

#include "base/coding.hpp"
#include "base/crc32c.hpp"
#include "mqtt_linkd/limits.hpp"
#include "mqtt_linkd/mqtt_reason.hpp"
#include "topic/topic.hpp"

namespace linkd::broker_adapter {

namespace {

constexpr std::size_t filters_per_packet_max = 20;     // did well at every broker tried
constexpr std::uint32_t identifier_max = 268'435'455;  // MQTT 5, section 3.8.2.1.2
constexpr std::uint32_t no_identifier = 0;             // of what was withdrawn
constexpr std::uint8_t format_version = 1;

}  // namespace

subscriptions::subscriptions(bytes_view saved, std::string echo_topic)
    : echo_topic_(std::move(echo_topic)) {
  load(saved);
}

void subscriptions::want(std::vector<std::string> filters) {
  if (filters == wanted_) return;
  wanted_ = std::move(filters);
  retarget();
}

void subscriptions::connected(bool session_present, capture_mode mode) {
  const bool same_meaning = mode == mode_;
  mode_ = mode;
  unanswered_ = 0;
  if (!session_present || !same_meaning) {
    granted_ids_.clear();
    granted_ = {};
  }
  for (auto& [id, each] : all_) each.answered = false;
  retarget();
  to_subscribe_.clear();
  to_unsubscribe_.clear();
  std::vector<std::uint32_t> replaced;
  for (const auto& [id, each] : all_) {
    const auto target = targets_.find(each.filter);
    if (target == targets_.end()) {
      // Even without a session: not every broker says that it has one.
      if (!to_unsubscribe_.emplace(each.filter, id).second) replaced.push_back(id);
    } else if (target->second == id) {
      to_subscribe_.insert(id);
    } else {
      replaced.push_back(id);
    }
  }
  for (const auto id : replaced) forget(id);
  unsubscribe_withdrawn();
}

void subscriptions::unsubscribe_withdrawn() {
  for (const auto* each : {&withdrawn_, &withdrawn_before_}) {
    for (const std::string& filter : *each) to_unsubscribe_.emplace(filter, no_identifier);
  }
}

// Moves from what we are (being) subscribed to to what is wanted under the present mode.
void subscriptions::retarget() {
  if (!wanted_) return;
  std::vector<std::string> filters = *wanted_;
  if (mode_ != capture_mode::by_identifier) filters = topic::disjoint_cover(std::move(filters));
  if (mode_ == capture_mode::by_cover_with_echo && !filters.empty() &&
      std::none_of(filters.begin(), filters.end(),
                   [&](const auto& filter) { return topic::matches(filter, echo_topic_); })) {
    filters.push_back(echo_topic_);
  }
  const std::set<std::string> keep(filters.begin(), filters.end());
  const auto before = targets_;
  for (const auto& [filter, id] : before) {
    if (!keep.contains(filter)) retire(filter, id);
  }
  for (const auto& filter : filters) {
    if (!targets_.contains(filter)) add(filter);
  }
}

void subscriptions::add(const std::string& filter) {
  withdrawn_.erase(filter);
  withdrawn_before_.erase(filter);
  const auto found = to_unsubscribe_.find(filter);
  const std::uint32_t id = found == to_unsubscribe_.end() ? no_identifier : found->second;
  if (found != to_unsubscribe_.end()) to_unsubscribe_.erase(found);
  // Retired a moment ago and not yet unsubscribed: it goes on as it was.
  if (id != no_identifier) {
    targets_[filter] = id;
    if (!all_.at(id).answered) to_subscribe_.insert(id);
    return;
  }
  last_id_ = last_id_ == identifier_max ? 1 : last_id_ + 1;
  all_[last_id_] = {filter};
  targets_[filter] = last_id_;
  to_subscribe_.insert(last_id_);
  changed_ = true;
}

void subscriptions::retire(const std::string& filter, std::uint32_t id) {
  targets_.erase(filter);
  to_subscribe_.erase(id);
  to_unsubscribe_[filter] = id;
}

void subscriptions::grant(std::uint32_t id) {
  if (!granted_ids_.insert(id).second) return;
  granted_.insert(all_.at(id).filter, id);
  changed_ = true;
}

void subscriptions::withdraw(std::uint32_t id) {
  if (granted_ids_.erase(id) == 0) return;
  granted_.erase(all_.at(id).filter, id);
  changed_ = true;
}

void subscriptions::forget(std::uint32_t id) {
  if (!all_.contains(id)) return;
  withdraw(id);
  all_.erase(id);
  changed_ = true;
}

std::optional<subscriptions::packet> subscriptions::next() {
  if (!to_subscribe_.empty()) {
    if (*to_subscribe_.begin() > saved_id_) return std::nullopt;
    return pack_subscribe();
  }
  if (unanswered_ > 0 || to_unsubscribe_.empty()) return std::nullopt;
  return pack_unsubscribe();
}

subscriptions::packet subscriptions::pack_subscribe() {
  // The identifier belongs to the packet (MQTT 5, section 3.8.2.1.2): one filter each then.
  const std::size_t count_max = mode_ == capture_mode::by_identifier ? 1 : filters_per_packet_max;
  packet out{packet::kind::subscribe, {}, {}};
  while (!to_subscribe_.empty() && *to_subscribe_.begin() <= saved_id_ &&
         out.ids.size() < count_max) {
    const std::uint32_t id = to_subscribe_.extract(to_subscribe_.begin()).value();
    out.ids.push_back(id);
    out.filters.push_back(all_.at(id).filter);
  }
  unanswered_ += out.ids.size();
  return out;
}

subscriptions::packet subscriptions::pack_unsubscribe() {
  packet out{packet::kind::unsubscribe, {}, {}};
  while (!to_unsubscribe_.empty() && out.ids.size() < filters_per_packet_max) {
    const auto taken = to_unsubscribe_.extract(to_unsubscribe_.begin());
    out.ids.push_back(taken.mapped());
    out.filters.push_back(taken.key());
    // Without identifiers the only question is whether a publish from now on would come back.
    if (mode_ != capture_mode::by_identifier) withdraw(taken.mapped());
  }
  return out;
}

std::vector<subscriptions::outcome> subscriptions::subscribed(
    const packet& sent, const std::vector<std::uint8_t>& codes) {
  std::vector<outcome> notable;
  unanswered_ -= std::min(unanswered_, sent.ids.size());
  for (std::size_t i = 0; i < sent.ids.size(); ++i) {
    const std::uint32_t id = sent.ids[i];
    // Fewer codes than filters break MQTT 5, section 3.9.3: nothing was granted then.
    const std::uint8_t code = i < codes.size() ? codes[i] : mqtt_reason::first_failure;
    if (code >= mqtt_reason::first_failure) {
      withdraw(id);
      for (auto& filter : wanted_behind(sent.filters[i])) {
        notable.emplace_back(std::move(filter), code);
      }
      continue;
    }
    all_.at(id).answered = true;
    grant(id);
    if (code == 0) notable.emplace_back(sent.filters[i], code);
  }
  return notable;
}

std::vector<std::string> subscriptions::wanted_behind(const std::string& filter) const {
  if (mode_ == capture_mode::by_identifier || !wanted_) return {filter};
  std::vector<std::string> out;
  for (const auto& wanted : *wanted_) {
    if (topic::covers(filter, wanted)) out.push_back(wanted);
  }
  return out;
}

void subscriptions::unsubscribed(const packet& sent) {
  for (const auto id : sent.ids) forget(id);
  for (const std::string& filter : sent.filters) {
    if (!targets_.contains(filter)) withdrawn_.insert(filter);
  }
  if (withdrawn_.size() > limits::withdrawn_filters_max) forget_withdrawn();
}

void subscriptions::forget_withdrawn() {
  if (!withdrawn_before_.empty()) changed_ = true;
  withdrawn_before_ = std::exchange(withdrawn_, {});
}

bool subscriptions::settled() const {
  return to_subscribe_.empty() && to_unsubscribe_.empty() && unanswered_ == 0;
}

bool subscriptions::accept(std::string_view topic, const std::vector<std::uint32_t>& ids) const {
  if (mode_ != capture_mode::by_identifier) return true;
  std::uint32_t oldest = identifier_max + 1;
  for (const auto id : ids) {
    if (all_.contains(id)) oldest = std::min(oldest, id);
  }
  if (oldest > identifier_max) return true;
  if (granted_ids_.empty() || *granted_ids_.begin() >= oldest) return true;
  std::vector<std::uint32_t> matching;
  granted_.match(topic, matching);
  return std::none_of(matching.begin(), matching.end(), [&](auto id) { return id < oldest; });
}

bool subscriptions::captures(std::string_view topic) const {
  std::vector<std::uint32_t> matching;
  granted_.match(topic, matching);
  return !matching.empty();
}

// version, mode, last id, then id (0: withdrawn), granted and filter of each, then a CRC-32C of all
// that.
std::optional<bytes> subscriptions::save() {
  if (!changed_) return std::nullopt;
  changed_ = false;
  saving_id_ = last_id_;
  bytes out;
  put_le<std::uint8_t>(out, format_version);
  put_le<std::uint8_t>(out, static_cast<std::uint8_t>(mode_));
  put_le<std::uint32_t>(out, last_id_);
  const auto put = [&](std::uint32_t id, const std::string& filter) {
    put_le<std::uint32_t>(out, id);
    put_le<std::uint8_t>(out, granted_ids_.contains(id) ? 1 : 0);
    put_le<std::uint32_t>(out, static_cast<std::uint32_t>(filter.size()));
    out += filter;
  };
  for (const auto& [id, each] : all_) put(id, each.filter);
  for (const auto* each : {&withdrawn_, &withdrawn_before_}) {
    for (const std::string& filter : *each) put(no_identifier, filter);
  }
  put_le<std::uint32_t>(out, crc32c(out));
  return out;
}

void subscriptions::load(bytes_view saved) {
  if (saved.size() < sizeof(std::uint32_t)) return;
  bytes_view sum = saved.substr(saved.size() - sizeof(std::uint32_t));
  saved.remove_suffix(sizeof(std::uint32_t));
  if (get_le<std::uint32_t>(sum) != crc32c(saved)) return;
  if (take_le<std::uint8_t>(saved) != format_version) return;
  const auto mode = take_le<std::uint8_t>(saved);
  const auto last_id = take_le<std::uint32_t>(saved);
  if (!mode || *mode > static_cast<std::uint8_t>(capture_mode::by_cover_with_echo) || !last_id) {
    return;
  }
  mode_ = static_cast<capture_mode>(*mode);
  last_id_ = saved_id_ = *last_id;
  while (!saved.empty()) {
    const auto id = take_le<std::uint32_t>(saved);
    const auto granted = take_le<std::uint8_t>(saved);
    const auto size = take_le<std::uint32_t>(saved);
    if (!id || !granted || !size || *size > saved.size()) return;
    std::string filter(saved.substr(0, *size));
    saved.remove_prefix(*size);
    if (!topic::check_filter(filter)) continue;
    if (*id == no_identifier) {
      withdrawn_.insert(std::move(filter));
      continue;
    }
    targets_[filter] = *id;
    all_[*id] = {std::move(filter)};
    if (*granted != 0) grant(*id);
  }
  changed_ = false;
}

}  // namespace linkd::broker_adapter
