#include "cli/options.hpp"

#include <getopt.h>

namespace linkd::cli {

std::variant<options, std::string> parse_options(int argc, char* const argv[]) {
  constexpr int version = 'V';
  static const option known[] = {{"config", required_argument, nullptr, 'c'},
                                 {"test", no_argument, nullptr, 't'},
                                 {"version", no_argument, nullptr, version},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  options out;
  optind = 0;  // begin anew (glibc)
  opterr = 0;  // the message is ours
  for (;;) {
    const int at = optind == 0 ? 1 : optind;
    switch (getopt_long(argc, argv, "+:c:t", known, nullptr)) {
      case -1:
        if (optind < argc) return "unexpected argument '" + std::string(argv[optind]) + "'";
        return out;
      case 'c':
        out.config_file = optarg;
        break;
      case 't':
        out.what = options::action::check;
        break;
      case version:
        out.what = options::action::show_version;
        return out;
      case 'h':
        out.what = options::action::show_help;
        return out;
      case ':':
        return "option '" + std::string(argv[at]) + "' needs a value";
      default:
        return "unknown option '" + std::string(argv[at]) + "'";
    }
  }
}

std::string usage() {
  return "usage: mqtt-linkd [-c FILE] [-t]\n"
         "Links the MQTT broker of this deployment with those of others.\n"
         "\n"
         "  -c, --config FILE  the configuration; default " +
         options{}.config_file +
         "\n"
         "  -t, --test         check the configuration, print every problem and exit\n"
         "      --version      print the version and exit\n"
         "      --help         print this text and exit\n"
         "\n"
         "Exit codes: 0 fine, 64 wrong usage, 78 wrong configuration, 73 or 74 state directory,\n"
         "77 no permission.\n";
}

}  // namespace linkd::cli
