#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mqtt_linkd/result.hpp"
#include "mqtt_linkd/settings.hpp"

namespace linkd::transport {

// What somebody who dials us directly shows of itself.
struct credentials_shown {
  std::string_view authorization;              // the header of the upgrade request, or empty
  std::vector<std::string> certificate_names;  // of a certificate that was verified, or empty
};

// Decides who may dial us as which link (WS.md, section 2). One thread.
class link_admission {
 public:
  void configure(const std::vector<link_settings>& links);

  // The deployment that the target of an upgrade request names: "/link/paris". errc::invalid.
  static result<std::string> deployment_in(std::string_view target);
  // Whether anybody may dial us for this link.
  [[nodiscard]] bool accepts(const std::string& link) const;
  // errc::not_found: no such link. errc::permission: it proves too little. The text tells who
  // dialled no more than it knows; `for_us` gets what only our log may say, if there is more.
  result<void> check(const std::string& deployment, const credentials_shown& shown,
                     std::string& for_us) const;

 private:
  std::map<std::string, accept_settings> links_;
};

}  // namespace linkd::transport
