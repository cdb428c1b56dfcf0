// Has new rules reach the streams whose clients say nothing.
#ifndef BROKER_FRONTS_IDENTIFIED_STREAMS_H_
#define BROKER_FRONTS_IDENTIFIED_STREAMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/due_task.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/authorizer.h"

namespace rmq {

// The open streams whose clients were identified. A stream is identified anew
// at its next frame when the rules have changed; a client that sends none would
// stay, and be pushed, until its channel expires. So this task has each of them
// identified anew, kMaxPiece at a time.
//
// Thread-safe. No lock is held while a stream is called.
class IdentifiedStreams final : public DueTask {
 public:
  class Stream {
   public:
    // Asks by the rules that hold now whether the client is still whom
    // `opened` says, and ends the stream if it is not. By any thread.
    virtual void IdentifyAnew(CallerIdentity opened) = 0;

   protected:
    ~Stream() = default;
  };
  // Identifies an entry. 0 is none.
  using Ticket = uint64_t;
  static constexpr size_t kMaxPiece = 1'000;

  // `on_due`: the task is due earlier.
  explicit IdentifiedStreams(DueListener on_due) : on_due_(std::move(on_due)) {}

  // A stream has opened, and its client was identified as `opened`. Rules that
  // came meanwhile may be missed: the stream identifies its client once more
  // afterwards.
  Ticket Add(std::weak_ptr<Stream> stream, CallerIdentity opened)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(Ticket ticket) ABSL_LOCKS_EXCLUDED(mu_);

  // Other rules hold: all streams that are there are asked.
  void NoteNewRules(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return entries_.size();
  }

  // DueTask.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_);
  void Run(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::weak_ptr<Stream> stream;
    CallerIdentity opened;
  };

  const DueListener on_due_;
  mutable absl::Mutex mu_;
  Ticket last_ ABSL_GUARDED_BY(mu_) = 0;
  absl::btree_map<Ticket, Entry> entries_ ABSL_GUARDED_BY(mu_);
  // Those up to `asked_` have been asked, and those up to `to_ask_` must be.
  Ticket asked_ ABSL_GUARDED_BY(mu_) = 0;
  Ticket to_ask_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_IDENTIFIED_STREAMS_H_
