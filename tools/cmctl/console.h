// The terminal that cmctl runs in, and its user.
#ifndef TOOLS_CMCTL_CONSOLE_H_
#define TOOLS_CMCTL_CONSOLE_H_

#include <functional>

namespace rmq::cmctl {

// The default is no terminal, and a user who presses nothing.
struct Console {
  // Whether the standard output is a terminal that understands the escape
  // sequences of ECMA-48.
  bool is_terminal = false;
  std::function<int()> columns = [] { return 80; };
  std::function<int()> rows = [] { return 24; };
  // From this call on Ctrl-C and SIGTERM do not end the process at once:
  // interrupted_by() tells the signal. The second one ends it, and so does the
  // time, if the process has not ended kEndSeconds after the first.
  std::function<void()> catch_interrupts = [] {};
  // The signal's number; 0: there was none.
  std::function<int()> interrupted_by = [] { return 0; };
};

// How long a command may take to end by itself: it may wait for a broker's
// answer. One that writes to a pipe that nobody reads would wait for ever.
inline constexpr unsigned kEndSeconds = 6;

// That of the process. A test may have less patience than `end_seconds`.
Console ProcessConsole(unsigned end_seconds = kEndSeconds);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_CONSOLE_H_
