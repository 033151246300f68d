#pragma once

#include <string>
#include <vector>

// The command line of mqtt-linkctl (DESIGN section 5).
namespace linkd::ctl {

struct new_link {
  std::vector<std::string> servers, topics, allow;
  std::string username, password_file;
  bool disabled = false;
  std::vector<std::string> settings;  // "queue.max_bytes=2GiB"
};

struct options {
  std::string command;  // "status", "links" ...; "completion"
  std::string admin = "http://127.0.0.1:8871";
  std::string token_file;
  bool json = false;
  std::string link;             // of commands that have one
  std::string topic;            // explain
  new_link added;               // add
  bool yes = false;             // remove, purge
  unsigned filters_max = 1000;  // interest
  unsigned interval_s = 2;      // watch
};

struct parsed_options {
  options chosen;
  // If set, the program ends with `exit_code` after writing `text` to stdout (0) or stderr.
  bool ends = false;
  int exit_code = 0;
  std::string text;
};

parsed_options parse_options(int argc, const char* const argv[]);

// The commands and the options of each, for the shell's completion.
struct completable {
  std::string command;
  std::vector<std::string> options;
  bool takes_link = false;
};
std::vector<completable> completables();

}  // namespace linkd::ctl
