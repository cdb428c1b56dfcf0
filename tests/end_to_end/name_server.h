// A server of the DNS that knows one name, whatever it is asked for.
#ifndef TESTS_END_TO_END_NAME_SERVER_H_
#define TESTS_END_TO_END_NAME_SERVER_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace rmq {

// Answers over UDP, on a thread of its own. Thread-safe.
class NameServer {
 public:
  enum class Mode { kAnswers, kNoSuchName, kServerFailure, kSilent };

  // Listens on 127.0.0.1:53, which takes a network of the test's own.
  static absl::StatusOr<std::unique_ptr<NameServer>> Start();
  ~NameServer();

  void SetMode(Mode mode) ABSL_LOCKS_EXCLUDED(mu_);
  // IPv4 and IPv6 addresses, and kAnswers.
  void SetAddresses(std::vector<std::string> addresses)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  explicit NameServer(int socket);

  void Run();
  // Empty: there is none.
  std::string ReplyTo(const std::string& query) ABSL_LOCKS_EXCLUDED(mu_);

  const int socket_;
  std::atomic<bool> stopping_{false};

  absl::Mutex mu_;
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kAnswers;
  std::vector<std::string> addresses_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // Last: it uses the members above.
};

}  // namespace rmq

#endif  // TESTS_END_TO_END_NAME_SERVER_H_
