// The log of the process: glog's lines, gRPC's and protobuf's, on stderr.
#ifndef BROKER_LOGGING_PROCESS_LOG_H_
#define BROKER_LOGGING_PROCESS_LOG_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace rmq {

// Initialises glog, and sends what this process logs through one LogWriter to
// stderr, in glog's form. No LOG() waits for whoever reads stderr. `program` is
// argv[0], and stays valid. Once a process, before it has other threads, and
// before the other functions here.
//
// Of gRPC's lines those matter that no status tells; the others are VLOG(1).
// Of protobuf's one a second is logged, with the number of those since the one
// before: clients can cause them at will.
//
// No write ends or stops this process: not one to a pipe that nobody reads
// (SIGPIPE), beyond the largest size of a file (SIGXFSZ), or to a terminal that
// another job has (SIGTTOU). These signals are ignored.
//
// A failed CHECK still ends the process, and soon: its message and glog's stack
// trace reach stderr if somebody reads that.
void StartProcessLog(const char* program);

// Queues a line as it is, without a prefix. `line` has no '\n'.
void LogPlainLine(absl::string_view line);

// Waits until what has been logged is on stderr, for half a second at most. To
// be called before the process ends.
void FlushProcessLog();

// Lines that did not reach stderr. 0 if the log was never started. Thread-safe.
int64_t LogLinesDropped();

}  // namespace rmq

#endif  // BROKER_LOGGING_PROCESS_LOG_H_
