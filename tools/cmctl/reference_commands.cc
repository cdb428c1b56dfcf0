#include "tools/cmctl/reference_commands.h"

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/cmctl/completion_scripts.h"
#include "tools/cmctl/man_page.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {

std::vector<Command> ReferenceCommands(const std::vector<Command>& (*all)()) {
  Command completion = {
      "completion",
      {{"bash|zsh|fish", "shell"}},
      "a script that completes cmctl's command line",
      "Prints a script that completes commands, options and their values in a "
      "shell:\n\n"
      "  source <(cmctl completion bash)\n"
      "  cmctl completion zsh > \"${fpath[1]}/_cmctl\"\n"
      "  cmctl completion fish > ~/.config/fish/completions/cmctl.fish",
      {}};
  completion.forms = Forms::kAsIs;
  completion.check = [](const CommandLine& line) {
    const std::string& shell = line.value("shell");
    if (shell == "bash" || shell == "zsh" || shell == "fish") {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("completion takes bash, zsh or fish, got \"",
                     EscapeControls(shell), "\"; see cmctl help completion"));
  };
  completion.run_locally = [all](const CommandLine& line, std::ostream& out,
                                 std::ostream&) {
    const std::string& shell = line.value("shell");
    out << (shell == "bash"  ? BashCompletion(all())
            : shell == "zsh" ? ZshCompletion(all())
                             : FishCompletion(all()));
    return 0;
  };
  Command man = {"man",
                 {},
                 "cmctl's manual page",
                 "Prints cmctl's manual page, for man(1):\n\n"
                 "  cmctl man | man -l -\n"
                 "  cmctl man > /usr/local/share/man/man1/cmctl.1",
                 {}};
  man.forms = Forms::kAsIs;
  man.run_locally = [all](const CommandLine&, std::ostream& out,
                          std::ostream&) {
    out << ManPage(all());
    return 0;
  };
  return {completion, man};
}

}  // namespace rmq::cmctl
