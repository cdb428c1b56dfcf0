// How the examples end: by SIGINT or SIGTERM.
#ifndef CLIENT_EXAMPLES_WAIT_FOR_SIGNAL_H_
#define CLIENT_EXAMPLES_WAIT_FOR_SIGNAL_H_

#include "absl/time/time.h"

namespace rmq::examples {

// Blocks SIGINT and SIGTERM, so that WaitForTerminationSignal() receives them.
// Call it before any thread is started: threads inherit it.
void BlockTerminationSignals();

// Returns when one of the two signals has come.
void WaitForTerminationSignal();

// The same, for at most `timeout`, which must be less than a day. Returns
// whether a signal has come.
bool WaitForTerminationSignal(absl::Duration timeout);

}  // namespace rmq::examples

#endif  // CLIENT_EXAMPLES_WAIT_FOR_SIGNAL_H_
