#include "client/examples/wait_for_signal.h"

#include <csignal>
#include <ctime>

namespace rmq::examples {
namespace {

sigset_t TerminationSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void BlockTerminationSignals() {
  const sigset_t signals = TerminationSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void WaitForTerminationSignal() {
  const sigset_t signals = TerminationSignals();
  int signal;
  sigwait(&signals, &signal);
}

bool WaitForTerminationSignal(absl::Duration timeout) {
  const sigset_t signals = TerminationSignals();
  const timespec time = absl::ToTimespec(timeout);
  return sigtimedwait(&signals, nullptr, &time) > 0;
}

}  // namespace rmq::examples
