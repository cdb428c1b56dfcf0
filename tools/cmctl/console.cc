#include "tools/cmctl/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "absl/strings/string_view.h"

namespace rmq::cmctl {
namespace {

volatile std::sig_atomic_t interrupted_by = 0;

void OnSignal(int signal) { interrupted_by = signal; }

void CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  // The second signal has its usual effect. Calls under way go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) {
    sigaction(signal, &action, nullptr);
  }
}

// `fallback` if the terminal does not say.
int SizeOr(unsigned short winsize::*side, int fallback) {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.*side == 0) {
    return fallback;
  }
  return size.*side;
}

bool IsTerminal() {
  const char* const term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && term != nullptr &&
         absl::string_view(term) != "dumb";
}

}  // namespace

Console ProcessConsole() {
  Console console;
  console.is_terminal = IsTerminal();
  console.columns = [] { return SizeOr(&winsize::ws_col, 80); };
  console.rows = [] { return SizeOr(&winsize::ws_row, 24); };
  console.catch_interrupts = CatchInterrupts;
  console.interrupted_by = [] { return static_cast<int>(interrupted_by); };
  return console;
}

}  // namespace rmq::cmctl
