#include "tools/cmctl/run_command.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {

int RunCommand(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) {
    err << line.status().message() << "\n";
    return kExitUsage;
  }
  absl::StatusOr<std::string> text = line->text;
  if (line->command != nullptr) {
    AdminClient broker(line->broker, line->timeout);
    text = line->command->run(
        *line, [&broker](const auto& request) { return broker.Ask(request); },
        {absl::Now(), absl::LocalTimeZone()});
  }
  if (!text.ok()) {
    err << EscapeControls(text.status().message())
        << (absl::IsDeadlineExceeded(text.status()) ? " (see --timeout)\n"
                                                    : "\n");
    return kExitError;
  }
  out << *text << std::flush;
  if (out.good()) return kExitOk;
  err << "the answer cannot be written to the output\n";
  return kExitError;
}

}  // namespace rmq::cmctl
