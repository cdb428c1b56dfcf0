#include "common/duration_flags.h"

#include <utility>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace rmq {

absl::Status CheckDurationFlags(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--") break;
    if (!absl::ConsumePrefix(&argument, "-")) continue;
    absl::ConsumePrefix(&argument, "-");
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    const absl::CommandLineFlag* const flag =
        absl::FindCommandLineFlag(parts.first);
    if (flag == nullptr ||
        !(flag->IsOfType<absl::Duration>() ||
          flag->IsOfType<absl::optional<absl::Duration>>())) {
      continue;
    }
    absl::string_view value = parts.second;
    if (!absl::StrContains(argument, '=')) {
      if (++i == argc) break;
      value = argv[i];
    }
    double number = 0;
    absl::Duration duration;
    if (absl::SimpleAtod(value, &number) &&
        !absl::ParseDuration(value, &duration)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", parts.first, "=", value, " needs a unit: ", value, "s"));
    }
  }
  return absl::OkStatus();
}

}  // namespace rmq
