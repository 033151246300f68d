#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mqtt_linkd/bytes.hpp"
#include "topic/filter_trie.hpp"

namespace linkd::broker_adapter {

// How every message reaches us once although filters overlap.
enum class capture_mode {
  // MQTT 5: each filter with a subscription identifier of its own; of the copies one is accepted.
  by_identifier,
  // No identifiers: the filters are widened until none overlap.
  by_cover,
  // MQTT 3.1.1: the same, and the topic of the echo guard's barrier.
  by_cover_with_echo
};

// What we are subscribed to at the broker, and what has still to be said to it: a value that is
// asked for packets and told their answers. A session outlives connections and this process, and
// MQTT cannot list its subscriptions: so the set of what it may hold is saved before anything is
// subscribed, everything is subscribed again on every connection, and what an earlier run left
// behind is unsubscribed.
//
// A broker that is killed goes back to the sessions it stored last, and with it comes what was
// unsubscribed since. So what was withdrawn is remembered for a while, in the saved set too, and
// unsubscribed again on every connection: MQTT lets one unsubscribe what is not there.
//
// Identifiers grow and are never used twice in one session. Subscriptions are made in their order;
// so where a subscription exists, the older ones exist too, unless they were refused. That gives
// the rule for copies (accept()): a copy is dropped if an older granted filter matches the topic,
// because that filter's own copy is the one to keep. A copy with no identifier we know (a filter
// withdrawn with messages still queued) is kept: a repetition is better than a loss. A filter is
// granted from its SUBACK to its UNSUBACK, so that a broker that answers in order repeats nothing
// while the set changes.
class subscriptions {
 public:
  struct packet {
    enum class kind { subscribe, unsubscribe } what = kind::subscribe;
    std::vector<std::uint32_t> ids;  // with by_identifier a SUBSCRIBE holds one
    std::vector<std::string> filters;
  };
  using outcome = std::pair<std::string, std::uint8_t>;  // filter, reason code

  // `saved`: what save() answered in an earlier run; anything unreadable counts as nothing.
  subscriptions(bytes_view saved, std::string echo_topic);

  // Replaces the set of filters to be subscribed to: a minimal union. Until the first call what was
  // saved stays subscribed.
  void want(std::vector<std::string> filters);
  void connected(bool session_present, capture_mode mode);
  [[nodiscard]] capture_mode mode() const { return mode_; }

  // What must be on disk, if that changed; then saved(), for one call at a time. No SUBSCRIBE of a
  // filter is given out before it has been saved.
  std::optional<bytes> save();
  void saved() { saved_id_ = saving_id_; }

  // The next packet to send, if any can be sent now: new filters first, then, when all of them are
  // answered, what is no longer wanted.
  std::optional<packet> next();
  // The answer to a SUBSCRIBE; answers what was not granted as asked: refused (>= 0x80) or at
  // QoS 0. With a cover, the wanted filters behind a refused one are named.
  std::vector<outcome> subscribed(const packet& sent, const std::vector<std::uint8_t>& codes);
  void unsubscribed(const packet& sent);
  // Called from time to time: what was withdrawn before the last call is forgotten. (Too many of
  // them, limits::withdrawn_filters_max, count as a call.)
  void forget_withdrawn();
  // Nothing is left to be sent and every SUBSCRIBE is answered.
  [[nodiscard]] bool settled() const;

  // See above; `ids`: the subscription identifiers of one incoming PUBLISH.
  [[nodiscard]] bool accept(std::string_view topic, const std::vector<std::uint32_t>& ids) const;
  // A message of this topic, published now, would be delivered to us.
  [[nodiscard]] bool captures(std::string_view topic) const;
  // Some filter was granted, in this session or, until connected(), in the last one.
  [[nodiscard]] bool any_granted() const { return !granted_ids_.empty(); }

 private:
  struct subscription {
    std::string filter;
    bool answered = false;  // granted on this connection
  };

  void load(bytes_view saved);
  void retarget();
  void add(const std::string& filter);
  void retire(const std::string& filter, std::uint32_t id);
  void grant(std::uint32_t id);
  void withdraw(std::uint32_t id);
  void forget(std::uint32_t id);
  void unsubscribe_withdrawn();
  packet pack_subscribe();
  packet pack_unsubscribe();
  [[nodiscard]] std::vector<std::string> wanted_behind(const std::string& filter) const;

  std::string echo_topic_;
  capture_mode mode_ = capture_mode::by_identifier;
  std::optional<std::vector<std::string>> wanted_;          // unknown: what was saved goes on
  std::map<std::uint32_t, subscription> all_;               // what the session may hold
  std::unordered_map<std::string, std::uint32_t> targets_;  // those we want, by filter
  std::set<std::uint32_t> to_subscribe_;                    // not sent yet
  std::map<std::string, std::uint32_t> to_unsubscribe_;     // not sent yet; 0: withdrawn before
  std::set<std::string> withdrawn_, withdrawn_before_;      // since forget_withdrawn(), and before
  std::size_t unanswered_ = 0;                              // filters in SUBSCRIBE packets
  std::set<std::uint32_t> granted_ids_;
  topic::filter_trie<std::uint32_t> granted_;
  std::uint32_t last_id_ = 0, saved_id_ = 0, saving_id_ = 0;
  bool changed_ = false;  // since save()
};

}  // namespace linkd::broker_adapter
