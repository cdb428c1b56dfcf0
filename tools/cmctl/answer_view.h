// Shows an answer in the form that the user asked for.
#ifndef TOOLS_CMCTL_ANSWER_VIEW_H_
#define TOOLS_CMCTL_ANSWER_VIEW_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// With ends of lines. `output` is one of those that print an answer.
std::string ShowAnswer(const Answer& answer, OutputFormat output);

// Sorts the rows of each table that has the column. `column` is a header:
// letter case does not matter, and '-' and '_' stand for spaces; a '-' before
// it sorts the other way round. Numbers and times are sorted as such, and cells
// with nothing, "-", come last. Rows that are equal keep their order.
//
// InvalidArgument, with the columns that there are, if no table has it.
absl::Status SortRows(absl::string_view column, Answer* answer);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_ANSWER_VIEW_H_
