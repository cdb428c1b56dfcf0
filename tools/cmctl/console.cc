#include "tools/cmctl/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "tools/cmctl/exit_codes.h"

namespace rmq::cmctl {
namespace {

volatile std::sig_atomic_t interrupted_by = 0;
volatile std::sig_atomic_t seconds_to_end = 0;

void OnSignal(int signal) {
  interrupted_by = signal;
  alarm(static_cast<unsigned>(seconds_to_end));
}

// The command has not ended by itself, and a thread of it may hold any lock.
void OnAlarm(int /*signal*/) { _exit(kExitSignalled + interrupted_by); }

void CatchInterrupts(unsigned end_seconds) {
  seconds_to_end = static_cast<std::sig_atomic_t>(end_seconds);
  std::signal(SIGALRM, OnAlarm);
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

Console ProcessConsole(unsigned end_seconds) {
  Console console;
  console.is_terminal = IsTerminal();
  console.columns = [] { return SizeOr(&winsize::ws_col, 80); };
  console.rows = [] { return SizeOr(&winsize::ws_row, 24); };
  console.catch_interrupts = [end_seconds] { CatchInterrupts(end_seconds); };
  console.interrupted_by = [] { return static_cast<int>(interrupted_by); };
  return console;
}

}  // namespace rmq::cmctl
