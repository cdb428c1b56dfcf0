// Tables of text for a terminal.
#ifndef TOOLS_CMCTL_TABLE_H_
#define TOOLS_CMCTL_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rmq::cmctl {

// UTF-8 with its control characters, and those that rearrange text, written
// out: "\x1b", "\u202e".
std::string EscapeControls(absl::string_view text);

// "3s ago", "2m 5s ago", "3h 12m ago", "4d 2h ago"; of a time that is still to
// come by this machine's clock, "0s ago".
std::string Ago(absl::Time time, absl::Time now);

// Rows under a header, columns two spaces apart; a line per row. Every row has
// as many cells as the header.
std::string AlignColumns(const std::vector<std::vector<std::string>>& rows);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_TABLE_H_
