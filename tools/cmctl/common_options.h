// The options that cmctl's commands share.
#ifndef TOOLS_CMCTL_COMMON_OPTIONS_H_
#define TOOLS_CMCTL_COMMON_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// An option of every command.
struct CommonOption {
  absl::string_view name;
  char letter;  // 0: it has a long name only.
  absl::string_view values;
  absl::string_view help;
  // Null: CommandLine::connection has it.
  absl::Status (*set)(absl::string_view value, CommandLine* line);
  // It is about a broker that is asked.
  bool is_of_broker;
  // For those without `set`; null: any value will do.
  absl::Status (*check)(absl::string_view value);
};

absl::Span<const CommonOption> CommonOptions();

// Null if there is none of that name or letter.
const CommonOption* FindCommonOption(absl::string_view name);

// Whether the command has it. Null: some command.
bool IsOptionOf(const CommonOption& option, const Command* command);
// What stands behind "=" in the command's help.
std::string ValuesOf(const CommonOption& option, const Command* command);
std::string HelpOfOption(const CommonOption& option, const Command* command);

// Sets what the option says of `line`, whose command is set. InvalidArgument,
// for the user, if the value is not allowed.
absl::Status SetCommon(const CommonOption& option, absl::string_view value,
                       CommandLine* line);

// Whether the rows that are to be sorted are shown.
absl::Status CheckSort(const CommandLine& line);

// "OPTION must be RULE, got "GOT"".
absl::Status MustBe(absl::string_view option, absl::string_view rule,
                    absl::string_view got);
// "a, b or c".
std::string Alternatives(const std::vector<std::string>& words);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMMON_OPTIONS_H_
