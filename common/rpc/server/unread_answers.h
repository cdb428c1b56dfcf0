// Limits the memory of unary answers that their clients do not read.
#ifndef COMMON_RPC_SERVER_UNREAD_ANSWERS_H_
#define COMMON_RPC_SERVER_UNREAD_ANSWERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/client_network.h"
#include "common/rpc/server/deadline_watch.h"

namespace rmq {

// The answers that are written and not read. While they hold more bytes than
// they may, the one that was written first is given up: of an address that has
// more than its share, or else of all. So who leaves answers unread loses its
// own, and a client that reads at once loses none.
//
// Small answers, as to heartbeats, are not counted: their calls are bounded by
// ServerCalls::unfinished until they are read, and hold 8 MB at most.
//
// An address is a ClientNetwork. Thread-safe; ends calls with no lock held.
class UnreadAnswers {
 public:
  static constexpr int64_t kMostBytes = 32 * 1024 * 1024;
  static constexpr int64_t kMostBytesOfAnAddress = kMostBytes / 2;
  // Answers of up to so many bytes are not counted.
  static constexpr int64_t kSmall = 1024;

  // Identifies an answer; 0: none.
  using Number = uint64_t;

  // An answer of `bytes` (0 or more) of `call`, to a client in `network`, is
  // about to be written. Returns 0 if it is not counted.
  Number Add(std::weak_ptr<Waiter> call, ClientNetwork network, int64_t bytes)
      ABSL_LOCKS_EXCLUDED(mu_);
  // It is read, or nobody waits for that any more. Nothing if it has been
  // removed, or given up.
  void Remove(Number number) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives up answers while those to `network`, or all together, have too much.
  void Limit(ClientNetwork network) ABSL_LOCKS_EXCLUDED(mu_);

  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // How many addresses have unread answers.
  size_t addresses() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Answer {
    std::weak_ptr<Waiter> call;
    ClientNetwork network;
    int64_t bytes;
  };
  struct Network {
    int64_t bytes = 0;
    absl::btree_set<Number> answers;
  };

  // Returns its call.
  std::weak_ptr<Waiter> TakeLocked(Number number)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  // In the order of Add().
  absl::btree_map<Number, Answer> answers_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<ClientNetwork, Network> networks_ ABSL_GUARDED_BY(mu_);
  Number last_ ABSL_GUARDED_BY(mu_) = 0;
  // Changed with the lock held; read without, by most calls of Limit().
  std::atomic<int64_t> bytes_{0};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_UNREAD_ANSWERS_H_
