// Prints how far drains have come.
#ifndef TOOLS_CMCTL_DRAIN_PRINTER_H_
#define TOOLS_CMCTL_DRAIN_PRINTER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// What becomes of a drain, or of the broker that is drained, if the command
// ends. `way` is the option by which the broker is asked meanwhile; empty: the
// user's own.
std::string GoesOn(const rocketmq::clientmanager::v1::DrainProgress& progress,
                   absl::string_view way);

// One line that is drawn again and again on a terminal, else a line each.
class DrainPrinter {
 public:
  // `line` and `screen` are borrowed. `redraws`: on a terminal.
  DrainPrinter(const CommandLine& line, const Screen& screen, bool redraws)
      : screen_(screen),
        json_(line.output == OutputFormat::kJson),
        redraws_(redraws && screen.is_terminal && !json_) {}

  // `label` is the broker's; empty: there is only one.
  void Print(absl::string_view label,
             const rocketmq::clientmanager::v1::DrainProgress& progress);

  // Goes on below the line that is drawn.
  void Tidy();

  // A line for people: not where programs read.
  void Say(absl::string_view text);

 private:
  const Screen& screen_;
  const bool json_;
  const bool redraws_;
  bool is_drawn_ = false;
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_DRAIN_PRINTER_H_
