// How the examples end: by SIGINT or SIGTERM.
#ifndef CLIENT_EXAMPLES_WAIT_FOR_SIGNAL_H_
#define CLIENT_EXAMPLES_WAIT_FOR_SIGNAL_H_

#include "absl/time/time.h"

namespace rmq::examples {

// Keeps SIGINT and SIGTERM for WaitForTerminationSignal(). Call it before any
// thread is started: threads inherit it.
void BlockTerminationSignals();

// Returns when one of them has come.
void WaitForTerminationSignal();

// Whether one of them has come before `timeout`, less than a day, is over.
bool WaitForTerminationSignal(absl::Duration timeout);

}  // namespace rmq::examples

#endif  // CLIENT_EXAMPLES_WAIT_FOR_SIGNAL_H_
