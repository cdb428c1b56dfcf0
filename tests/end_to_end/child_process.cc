#include "tests/end_to_end/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace rmq {
namespace {

constexpr absl::Duration kLongestRun = absl::Minutes(1);
// So much is kept of each output at least, and twice as much at most.
constexpr size_t kKeptBytes = 1024 * 1024;

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) {
    pointers.push_back(const_cast<char*>(string.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// In the child of a process with many threads: only what is safe in a signal
// handler may be called.
[[noreturn]] void Execute(const char* stdin_path, int out_fd, int err_fd,
                          char* const* command, char* const* environment,
                          pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // It died before that.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(out_fd, STDOUT_FILENO);
  dup2(err_fd, STDERR_FILENO);
  const int in_fd = open(stdin_path, O_RDONLY);
  if (in_fd >= 0) {
    dup2(in_fd, STDIN_FILENO);
    if (in_fd != STDIN_FILENO) close(in_fd);
    execve(command[0], command, environment);
  }
  const char message[] = "cannot run the program or open its stdin\n";
  (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
  _exit(127);
}

bool IsExecutable(const std::string& path) {
  return access(path.c_str(), X_OK) == 0;
}

std::string FromEnvironment(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(
    Options options) {
  std::string& program = options.command.front();
  if (program.find('/') == std::string::npos) {
    const std::string found = FindProgram(program);
    if (found.empty()) {
      return absl::NotFoundError(absl::StrCat(program, " is not installed"));
    }
    program = found;
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    options.environment.emplace_back(*variable);
  }
  const std::vector<char*> command = Pointers(options.command);
  const std::vector<char*> environment = Pointers(options.environment);

  int out_pipe[2];
  int err_pipe[2];
  if (pipe2(out_pipe, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(strerror(errno));
  }
  if (pipe2(err_pipe, O_CLOEXEC) != 0) {
    close(out_pipe[0]);
    close(out_pipe[1]);
    return absl::ResourceExhaustedError(strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    Execute(options.stdin_path.c_str(), out_pipe[1], err_pipe[1],
            command.data(), environment.data(), parent);
  }
  close(out_pipe[1]);
  close(err_pipe[1]);
  if (pid < 0) {
    close(out_pipe[0]);
    close(err_pipe[0]);
    return absl::ResourceExhaustedError("cannot fork");
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(pid, out_pipe[0], err_pipe[0]));
}

ChildProcess::ChildProcess(pid_t pid, int out_fd, int err_fd)
    : pid_(pid),
      reader_([this, out_fd, err_fd] { ReadAndReap(out_fd, err_fd); }) {}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  reader_.join();
}

void ChildProcess::ReadAndReap(int out_fd, int err_fd) {
  pollfd pipes[] = {{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}};
  std::string* const texts[] = {&out_, &err_};
  int open_pipes = 2;
  while (open_pipes > 0) {
    if (poll(pipes, 2, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (pipes[i].fd < 0 || pipes[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t size = read(pipes[i].fd, buffer, sizeof(buffer));
      if (size > 0) {
        absl::MutexLock lock(&mu_);
        texts[i]->append(buffer, size);
        if (texts[i]->size() > 2 * kKeptBytes) {
          texts[i]->erase(0, texts[i]->size() - kKeptBytes);
        }
      } else if (size == 0 || errno != EINTR) {
        close(pipes[i].fd);
        pipes[i].fd = -1;  // poll() passes it over.
        --open_pipes;
      }
    }
  }
  // Until it is reaped under the lock, the pid is nobody else's: Signal() may
  // use it.
  siginfo_t info;
  while (waitid(P_PID, pid_, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  absl::MutexLock lock(&mu_);
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::string ChildProcess::out() const {
  absl::MutexLock lock(&mu_);
  return out_;
}

std::string ChildProcess::err() const {
  absl::MutexLock lock(&mu_);
  return err_;
}

void ChildProcess::Signal(int signal) {
  absl::MutexLock lock(&mu_);
  if (!exit_.has_value()) kill(pid_, signal);
}

absl::optional<int> ChildProcess::WaitForExit(absl::Duration timeout) const {
  const auto has_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return exit_.has_value();
  };
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&has_ended), timeout);
  return exit_;
}

absl::StatusOr<ProcessOutcome> RunToEnd(ChildProcess::Options options) {
  const std::string command = absl::StrJoin(options.command, " ");
  absl::StatusOr<std::unique_ptr<ChildProcess>> child =
      ChildProcess::Start(std::move(options));
  if (!child.ok()) return child.status();
  const absl::optional<int> exit = (*child)->WaitForExit(kLongestRun);
  if (!exit.has_value()) {
    return absl::DeadlineExceededError(absl::StrCat(
        command, " did not end; it wrote\n", (*child)->out(), (*child)->err()));
  }
  return ProcessOutcome{*exit, (*child)->out(), (*child)->err()};
}

std::string RunfilePath(absl::string_view path_in_workspace) {
  const std::string folder = FromEnvironment("TEST_SRCDIR");
  // `bazel run` starts a program where the files are.
  if (folder.empty()) return std::string(path_in_workspace);
  return absl::StrCat(folder, "/", FromEnvironment("TEST_WORKSPACE"), "/",
                      path_in_workspace);
}

std::string FindProgram(absl::string_view name) {
  std::vector<std::string> folders =
      absl::StrSplit(FromEnvironment("PATH"), ':', absl::SkipEmpty());
  std::vector<std::string> homes = {FromEnvironment("HOME")};
  // Bazel gives tests an environment of its own.
  if (const passwd* const user = getpwuid(getuid()); user != nullptr) {
    homes.emplace_back(user->pw_dir);
  }
  if (const std::string go = FromEnvironment("GOPATH"); !go.empty()) {
    folders.push_back(absl::StrCat(go, "/bin"));
  }
  for (const std::string& home : homes) {
    folders.push_back(absl::StrCat(home, "/go/bin"));
    folders.push_back(absl::StrCat(home, "/.local/bin"));
  }
  for (const std::string& folder : folders) {
    std::string path = absl::StrCat(folder, "/", name);
    if (IsExecutable(path)) return path;
  }
  return "";
}

}  // namespace rmq
