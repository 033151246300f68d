#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace linkd::live {

// The filter that a subscription of a client of the local broker stands for, as the ports have it
// (ports/subscription_source.hpp): of `$share/group/f`, `$queue/f` and `$exclusive/f` it is f. None
// for `$SYS` and what is under `control_prefix`: linkd never carries that. What is no filter to us
// (too many levels, `a/#/b` of brokers that grant it) is cut to one that covers it.
std::optional<std::string> local_filter(std::string_view subscribed,
                                        std::string_view control_prefix);

// The MQTT clients of linkd daemons, ours and others: their subscriptions are no interest, or two
// daemons would keep each other's alive. `our_client_id`: broker.client_id.
bool is_linkd_client(std::string_view client_id, std::string_view our_client_id);

}  // namespace linkd::live
