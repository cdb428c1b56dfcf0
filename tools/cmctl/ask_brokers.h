// Runs a command's look-up at the brokers that the user names.
#ifndef TOOLS_CMCTL_ASK_BROKERS_H_
#define TOOLS_CMCTL_ASK_BROKERS_H_

#include <cstddef>
#include <functional>

#include "absl/status/statusor.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

// Calls `work` with each number below `count`, all at once, each on a thread of
// its own, and returns when all have returned.
void ForEachAtOnce(size_t count, const std::function<void(size_t)>& work);

// Asks the brokers of `line`, whose command has `run` or `run_on_all`, all at
// once; each within the line's timeout. One broker's answer is as the command
// makes it; those of several are merged: see MergeAnswers(). The error is that
// of the only broker.
absl::StatusOr<Answer> AskBrokers(const CommandLine& line,
                                  const TableTime& time);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_ASK_BROKERS_H_
