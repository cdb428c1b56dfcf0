// A program run by a test: its output, its signals, its end.
#ifndef TESTS_END_TO_END_CHILD_PROCESS_H_
#define TESTS_END_TO_END_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace rmq {

// Thread-safe, but to be started and destroyed by one thread. Signals only the
// process that it started, and only until that has been reaped.
class ChildProcess {
 public:
  struct Options {
    // The program (searched on PATH if it has no slash) and its arguments.
    std::vector<std::string> command;
    // "NAME=value", beside the environment of the test.
    std::vector<std::string> environment = {};
    // A file or FIFO. The child opens it, so a FIFO without a writer is no
    // hindrance to Start().
    std::string stdin_path = "/dev/null";
  };

  // Exit code 127 and a line on stderr if the program cannot be run.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(Options options);

  // Kills it if it still runs. It also dies with the thread that started it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // What it has written so far; only the end of it if that is over a megabyte.
  std::string out() const ABSL_LOCKS_EXCLUDED(mu_);
  std::string err() const ABSL_LOCKS_EXCLUDED(mu_);

  // Does nothing once it has ended.
  void Signal(int signal) ABSL_LOCKS_EXCLUDED(mu_);

  // Its exit code, or minus the signal that ended it, once all its output has
  // been read; nothing if it has not ended within `timeout`.
  absl::optional<int> WaitForExit(absl::Duration timeout) const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  ChildProcess(pid_t pid, int out_fd, int err_fd);
  // Reads both pipes to their ends, and then reaps.
  void ReadAndReap(int out_fd, int err_fd) ABSL_LOCKS_EXCLUDED(mu_);

  const pid_t pid_;
  mutable absl::Mutex mu_;
  std::string out_ ABSL_GUARDED_BY(mu_);
  std::string err_ ABSL_GUARDED_BY(mu_);
  absl::optional<int> exit_ ABSL_GUARDED_BY(mu_);
  std::thread reader_;
};

// What a program did that has ended.
struct ProcessOutcome {
  int exit_code;  // Minus the signal's number, if one ended it.
  std::string out;
  std::string err;
};

// Runs a program to its end. DeadlineExceeded with its output if it takes
// longer than a minute; it is killed then.
absl::StatusOr<ProcessOutcome> RunToEnd(ChildProcess::Options options);

// Where a test, or a program under `bazel run`, finds a file that its BUILD
// target has as data.
std::string RunfilePath(absl::string_view path_in_workspace);

// A program's path, looked for on PATH, in $GOPATH/bin, and in ~/go/bin and
// ~/.local/bin (also where HOME is not set). Empty if it is not there.
std::string FindProgram(absl::string_view name);

}  // namespace rmq

#endif  // TESTS_END_TO_END_CHILD_PROCESS_H_
