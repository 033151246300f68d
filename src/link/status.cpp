#include "link/status.hpp"

namespace linkd::link {

std::string_view to_string(link_state state) {
  switch (state) {
    case link_state::disabled:
      return "disabled";
    case link_state::connecting:
      return "connecting";
    case link_state::handshaking:
      return "handshaking";
    case link_state::up:
      return "up";
    case link_state::refused:
      return "refused";
    case link_state::down:
      return "down";
    case link_state::paused:
      return "paused";
  }
  return "";
}

std::string_view to_string(drop_reason reason) {
  switch (reason) {
    case drop_reason::overflow:
      return "overflow";
    case drop_reason::age:
      return "age";
    case drop_reason::expired:
      return "expired";
    case drop_reason::oversize:
      return "oversize";
    case drop_reason::loop:
      return "loop";
    case drop_reason::rejected:
      return "rejected";
    case drop_reason::not_wanted:
      return "not_wanted";
    case drop_reason::damaged:
      return "damaged";
    case drop_reason::qos0_down:
      return "qos0_down";
    case drop_reason::purged:
      return "purged";
  }
  return "";
}

}  // namespace linkd::link
