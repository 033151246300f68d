#include "ctl/completion.hpp"

#include "ctl/options.hpp"

namespace linkd::ctl {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& each : words) out += (out.empty() ? "" : " ") + each;
  return out;
}

}  // namespace

std::string bash_completion() {
  const auto all = completables();
  std::string commands, patterns, options, with_link;
  for (const completable& each : all) {
    if (each.command.empty()) continue;
    commands += (commands.empty() ? "" : " ") + each.command;
    patterns += (patterns.empty() ? "" : "|") + each.command;
    options += "    " + each.command + ") options=\"" + joined(each.options) + "\" ;;\n";
    if (each.takes_link) with_link += (with_link.empty() ? "" : "|") + each.command;
  }
  return "# bash completion of mqtt-linkctl, made by `mqtt-linkctl completion`\n"
         "_mqtt_linkctl() {\n"
         "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
         "  local command=\"\" options=\"\" each\n"
         "  for each in \"${COMP_WORDS[@]:1:$((COMP_CWORD-1))}\"; do\n"
         "    case \"$each\" in\n"
         "      " +
         patterns +
         ") command=\"$each\"; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$previous\" in\n"
         "    -o|--output) COMPREPLY=($(compgen -W \"table json\" -- \"$word\")); return ;;\n"
         "    --token-file|--password-file) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
         "  esac\n"
         "  case \"$command\" in\n"
         "    \"\") options=\"" +
         commands + " " + joined(all.front().options) + "\" ;;\n" + options +
         "  esac\n"
         "  case \"$command\" in\n"
         "    " +
         with_link +
         ")\n"
         "      if [[ $word != -* ]]; then\n"
         "        options=\"$(mqtt-linkctl links 2>/dev/null | tail -n +2 | cut -d' ' -f1)\"\n"
         "      fi ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "}\n"
         "complete -F _mqtt_linkctl mqtt-linkctl\n";
}

}  // namespace linkd::ctl
