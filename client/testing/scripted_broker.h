// A small gRPC server for tests of the client over a real connection, on
// 127.0.0.1 and a port that the system chooses. The test sets its answers, and
// waits for what the client does.
#ifndef CLIENT_TESTING_SCRIPTED_BROKER_H_
#define CLIENT_TESTING_SCRIPTED_BROKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace grpc {
class Server;
class ServerCredentials;
}  // namespace grpc

namespace rmq {

// By default every frame but an acknowledgment is answered OK at once: a full
// heartbeat with a token and the channel expiry. A stream that the client
// half-closes ends with OK.
//
// Waiting fails the process after 30 s: a test that waits for what does not
// come is broken, and says where.
//
// Thread-safe.
class ScriptedBroker {
 public:
  using ClientFrame = rocketmq::clientmanager::v1::ClientFrame;

  // Null: in plain text.
  explicit ScriptedBroker(
      std::shared_ptr<grpc::ServerCredentials> credentials = nullptr);
  // Ends what is open.
  ~ScriptedBroker();

  // "127.0.0.1:port".
  const std::string& address() const { return address_; }

  // Sets the channel expiry of further answers.
  void SetChannelExpiry(absl::Duration expiry) ABSL_LOCKS_EXCLUDED(mu_);
  // Full heartbeats are answered with `status` from here on.
  void RefuseFullHeartbeats(const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mu_);
  // From here on it reads frames and half-closes, and does not answer them.
  void StopAnswering() ABSL_LOCKS_EXCLUDED(mu_);
  // Sets the answer of GetConsumerListByGroup, also over a stream, where it is
  // one page. It is NOT_FOUND for other groups.
  void SetConsumerIds(const std::string& group, std::vector<std::string> ids)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Sets the epoch of the lists, and of the groups in answers to full
  // heartbeats from here on. 0, as at first: the broker has no epochs.
  void SetEpoch(uint64_t epoch) ABSL_LOCKS_EXCLUDED(mu_);
  // Further answers to full heartbeats have this warning.
  void SetWarning(const rocketmq::clientmanager::v1::Warning& warning)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Sets `settling_until` of further answers of GetConsumerListByGroup.
  void SetSettling(absl::Duration left) ABSL_LOCKS_EXCLUDED(mu_);
  // From here on unary calls wait until the client cancels them.
  void HoldUnaryCalls() ABSL_LOCKS_EXCLUDED(mu_);

  // To the stream that was opened last.
  void Push(const std::string& group) ABSL_LOCKS_EXCLUDED(mu_);
  void Push(const rocketmq::clientmanager::v1::NotifyConsumerIdsChanged& push)
      ABSL_LOCKS_EXCLUDED(mu_);
  // With `end_reason` as the trailing metadata `rocketmq-end-reason`, and
  // `retry_after_ms` as `rocketmq-retry-after-ms`, if they are not empty.
  void EndStream(const absl::Status& status, const std::string& end_reason = "",
                 const std::string& retry_after_ms = "")
      ABSL_LOCKS_EXCLUDED(mu_);

  // Wait until so many have been seen, in all.
  void AwaitStreams(size_t n) ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitEndedStreams(size_t n) ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitHeldCalls(size_t n) ABSL_LOCKS_EXCLUDED(mu_);
  // Where each of the first `n` streams came from.
  std::vector<std::string> AwaitPeers(size_t n) ABSL_LOCKS_EXCLUDED(mu_);
  // What each of the first `n` streams said of who calls; "" for nothing.
  struct Caller {
    std::string common_name;  // Of the client's certificate.
    std::string authorization;
    std::string date_time;
  };
  std::vector<Caller> AwaitCallers(size_t n) ABSL_LOCKS_EXCLUDED(mu_);
  // The frames of all streams in the order of arrival that `filter` takes, once
  // there are `n` of them.
  using Filter = bool (*)(const ClientFrame& frame);
  static bool Every(const ClientFrame&) { return true; }
  static bool FullHeartbeats(const ClientFrame& frame) {
    return frame.has_heartbeat() && frame.heartbeat().statement_token() == 0;
  }
  static bool Acknowledgments(const ClientFrame& frame) {
    return frame.has_acknowledge();
  }
  static bool Unregistrations(const ClientFrame& frame) {
    return frame.has_unregister_client();
  }
  std::vector<ClientFrame> AwaitFrames(size_t n, Filter filter = Every)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Service;
  class Stream;
  class Unary;

  // For the reactors.
  void OnOpen(std::shared_ptr<Stream> stream, const std::string& peer,
              const Caller& caller) ABSL_LOCKS_EXCLUDED(mu_);
  void OnFrame(Stream* stream, const ClientFrame& frame)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The answer to `frame`.
  rocketmq::clientmanager::v1::Reply ReplyTo(const ClientFrame& frame)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AnswersHalfClose() ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnded() ABSL_LOCKS_EXCLUDED(mu_);
  std::shared_ptr<Stream> LastStream() ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitAtLeast(MutexLock* lock, const size_t* count, size_t n)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::unique_ptr<Service> service_;
  std::string address_;

  absl::Mutex mu_;
  CondVar changed_;  // Of what is waited for.
  std::shared_ptr<Stream> last_stream_ ABSL_GUARDED_BY(mu_);
  std::vector<ClientFrame> frames_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> peers_ ABSL_GUARDED_BY(mu_);  // One a stream.
  std::vector<Caller> callers_ ABSL_GUARDED_BY(mu_);     // One a stream.
  size_t streams_ ABSL_GUARDED_BY(mu_) = 0;
  size_t ended_streams_ ABSL_GUARDED_BY(mu_) = 0;
  size_t held_calls_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration channel_expiry_ ABSL_GUARDED_BY(mu_) = absl::Seconds(120);
  absl::Duration settling_ ABSL_GUARDED_BY(mu_);
  absl::Status refusal_ ABSL_GUARDED_BY(mu_);  // Of full heartbeats.
  bool answering_ ABSL_GUARDED_BY(mu_) = true;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<std::string, std::vector<std::string>> consumer_ids_
      ABSL_GUARDED_BY(mu_);
  uint64_t epoch_ ABSL_GUARDED_BY(mu_) = 0;
  absl::optional<rocketmq::clientmanager::v1::Warning> warning_
      ABSL_GUARDED_BY(mu_);

  std::unique_ptr<grpc::Server> server_;  // Last: it calls the others.
};

}  // namespace rmq

#endif  // CLIENT_TESTING_SCRIPTED_BROKER_H_
