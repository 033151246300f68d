#pragma once

#include <cstddef>
#include <cstdint>

#include "mqtt_linkd/time.hpp"

// Every fixed limit of the daemon. What an operator may choose is in settings.hpp instead.
namespace linkd::limits {

inline constexpr std::size_t topic_bytes_max = 65535;  // MQTT 5, section 1.5.4
inline constexpr std::size_t topic_levels_max =
    1024;  // bounds recursion; brokers stop at 128 to 200
inline constexpr std::size_t links_max = 64;
inline constexpr std::size_t name_bytes_max = 64;  // deployment and link names
inline constexpr std::size_t filters_per_peer_max = 100'000;
inline constexpr std::size_t filter_bytes_per_peer_max = 16u << 20;

// Live interest. What we ask of a peer stays well below what a peer takes.
inline constexpr std::size_t announced_filters_max = 10'000;     // a link; above: summarised
inline constexpr std::size_t announced_filter_bytes_max = 1024;  // above: cut
inline constexpr std::size_t lingering_filters_max = 100'000;    // a link; above: the oldest go
inline constexpr seconds summary_review_interval{60};
inline constexpr milliseconds interest_pause_min{10};       // between updates of interest, plus
inline constexpr microseconds interest_pause_a_filter{50};  // for each: an update looks at all
inline constexpr std::size_t subscriptions_max = 500'000;   // followed at the local broker
inline constexpr std::size_t subscription_bytes_max = 256u << 20;
// Unsubscribed again on each connection, for one to two of these intervals. mosquitto stores its
// sessions every 30 min (autosave_interval).
inline constexpr std::size_t withdrawn_filters_max = 10'000;
inline constexpr seconds withdrawn_interval{3600};
inline constexpr seconds subscription_view_age_max{15};  // not heard of the broker for longer

inline constexpr std::size_t frame_bytes_max = 1u << 20;     // DESIGN section 6, compressed or not
inline constexpr std::size_t frame_overhead_bytes = 1024;    // a frame less its DATA block
inline constexpr std::size_t batch_bytes = 64u << 10;        // a DATA batch closes here
inline constexpr milliseconds batch_delay{5};                // or then, unless the link is idle
inline constexpr std::size_t inflight_bytes_max = 8u << 20;  // un-acked DATA: 100 ms at 80 MB/s
inline constexpr std::size_t path_unsent_bytes_max = 2u << 20;

inline constexpr std::size_t publishes_inflight_max =
    512;                                            // at the local broker, all links together
inline constexpr int connection_losses_max = 3;     // with one message in flight: then it is parked
inline constexpr int crashes_max = 3;               // of us with one record in hand: likewise
inline constexpr std::size_t crash_notes_max = 64;  // so many crashes are remembered
inline constexpr std::size_t capture_batch_messages_max = 2048;
inline constexpr std::size_t capture_batch_acknowledged_max =
    512;  // above QoS 0: a crash repeats it
inline constexpr std::size_t capture_batch_bytes_max = 1u << 20;

// A turn of the main loop with so many messages is busy: more than a broker with its usual window
// (mosquitto: 20) sends before it waits for our acknowledgements. After it, and until so many turns
// in a row are not, the loop rests for so long between turns.
inline constexpr std::size_t busy_turn_messages = 24;
inline constexpr int quiet_turns = 4;
inline constexpr milliseconds busy_turn_pause{1};

inline constexpr std::size_t dead_letter_bytes_max = 16u << 20;  // per link
inline constexpr std::size_t dead_letter_payload_bytes_max = 64u << 10;

inline constexpr seconds commit_patience{10};  // then a slow disk is told
inline constexpr seconds heartbeat_interval{10};
inline constexpr seconds heartbeat_timeout{25};  // two heartbeats and their way
inline constexpr seconds handshake_timeout{10};
inline constexpr milliseconds reconnect_delay_min{500};
inline constexpr milliseconds reconnect_delay_max{30'000};
inline constexpr seconds unusable_link_interval{10};  // of attempts to use its state
inline constexpr seconds unusable_link_grace{60};     // so long capture waits for it at the start
inline constexpr seconds first_server_interval{60};   // of attempts to go back to it
inline constexpr milliseconds acked_save_delay{100};  // an acknowledgement, unless a commit is due
inline constexpr seconds cursor_sync_interval{1};  // a cursor is written at once, synced this often

}  // namespace linkd::limits
