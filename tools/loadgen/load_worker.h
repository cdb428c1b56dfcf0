// A thread of the load: some of the streams, on a loop of their own.
#ifndef TOOLS_LOADGEN_LOAD_WORKER_H_
#define TOOLS_LOADGEN_LOAD_WORKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/backoff.h"
#include "common/rpc/credentials/channel_security.h"
#include "common/rpc/loop/loop_queues.h"
#include "grpcpp/completion_queue.h"
#include "tools/loadgen/client_frames.h"
#include "tools/loadgen/latency_histogram.h"
#include "tools/loadgen/load_options.h"
#include "tools/loadgen/load_stream.h"
#include "tools/loadgen/schedule.h"

namespace rmq::loadgen {

// What has happened since the start. Written by workers, read by anybody.
struct LoadCounters {
  std::atomic<int64_t> open{0};        // Streams with a call, now.
  std::atomic<int64_t> registered{0};  // Streams that are, now.
  std::atomic<int64_t> registrations{0};
  std::atomic<int64_t> errors{0};
  std::atomic<int64_t> pushes{0};
  // The most that one client got.
  std::atomic<int64_t> most_pushes{0};
  std::atomic<int64_t> full_statements_needed{0};
  std::atomic<int64_t> churned{0};
  std::atomic<int64_t> lost{0};     // Streams that ended and are opened again.
  std::atomic<int64_t> expired{0};  // Streams meant to be silent that ended so.
  // Heartbeats that were due while the one before was still unanswered: they
  // were left out.
  std::atomic<int64_t> left_out{0};
};

// Run() is the thread. Thread-safe otherwise.
class LoadWorker final : private LoadStream::Owner {
 public:
  // Worker `index` of `options.threads` has every so many-th connection, with
  // all its streams. What is given is borrowed.
  LoadWorker(const LoadOptions& options, const ClientFrames& frames,
             const std::shared_ptr<ChannelSecurity>& security, int index,
             LoadCounters* counters);
  ~LoadWorker();

  // Opens all streams, then does as told below; returns after Stop(), when all
  // streams are closed.
  void Run();

  // Heartbeats from `start_ns` on.
  void StartHeartbeats(int64_t start_ns) { start_ns_.store(start_ns); }
  // Closes all streams; those that are not closed at `deadline_ns` are
  // cancelled.
  void Stop(int64_t deadline_ns) { stop_ns_.store(deadline_ns); }

  // From the writing of a heartbeat to the reading of its answer.
  LatencyCounts latency() const { return latency_.Snapshot(); }
  // From when a heartbeat was due to its writing.
  LatencyCounts lag() const { return lag_.Snapshot(); }
  // What went wrong, of the first few errors.
  std::vector<std::string> errors() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Reopening {
    int64_t time_ns;
    LoadStream* stream;
    bool operator<(const Reopening& other) const {  // The earliest is the top.
      return time_ns > other.time_ns;
    }
  };

  void OnRegistered(LoadStream* stream) override;
  void OnAnswered(LoadStream* stream, int64_t sent_ns) override;
  void OnPush(LoadStream* stream) override;
  void OnFullStatementNeeded() override { ++counters_.full_statements_needed; }
  void OnBadAnswer(LoadStream* stream, const std::string& why) override;
  void OnClosed(LoadStream* stream, LoadStream::State before,
                const grpc::Status& status) override;

  // Does what is due at `now`; returns when to be called again at the latest.
  int64_t DoWhatIsDue(int64_t now_ns);
  void BeginHeartbeats();
  void BeginStopping();
  void CloseNextForChurn();
  void CheckAnswerTimes(int64_t now_ns);
  void ReopenWithBackoff(LoadStream* stream);
  void OpenAgain(LoadStream* stream);
  void Open(LoadStream* stream);
  void AddError(const LoadStream& stream, const std::string& what)
      ABSL_LOCKS_EXCLUDED(mu_);

  const LoadOptions& options_;
  const int index_;
  LoadCounters& counters_;
  std::atomic<int64_t> start_ns_{kNever};
  std::atomic<int64_t> stop_ns_{kNever};
  LatencyHistogram latency_;
  LatencyHistogram lag_;

  mutable absl::Mutex mu_;
  std::vector<std::string> errors_ ABSL_GUARDED_BY(mu_);

  // Used by the thread only.
  grpc::CompletionQueue queue_;
  LoopQueues queues_{&queue_};
  const LoadStream::Environment environment_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<std::unique_ptr<LoadStream>> streams_;
  // By client, of those that have lost their stream and have no other yet.
  absl::flat_hash_map<int, Backoff> backoffs_;
  std::deque<LoadStream*> to_open_;
  std::priority_queue<Reopening> to_reopen_;
  // When streams are being lost, one at a time is opened again, and those that
  // are due meanwhile do as it finds: they open too, or wait once more. A
  // broker that is away would refuse each of them, at the cost of a connection
  // here.
  bool broker_answers_ = true;
  LoadStream* scout_ = nullptr;
  std::vector<LoadStream*> behind_scout_;
  std::unique_ptr<Schedule> schedule_;
  std::mt19937_64 random_;
  size_t opening_ = 0;
  size_t open_ = 0;
  bool heartbeats_begun_ = false;
  bool stopping_ = false;
  bool cancelled_ = false;
  // By client / threads; empty unless lists are held.
  absl::flat_hash_map<int, int64_t> pushes_;
  // When the next stream may be opened, by --open_rate.
  int64_t next_open_ns_ = 0;
  int64_t next_churn_ns_ = kNever;
  size_t next_churned_ = 0;
  int64_t next_check_ns_ = 0;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_LOAD_WORKER_H_
