// The last events, for those who watch.
#ifndef BROKER_WATCH_EVENT_HISTORY_H_
#define BROKER_WATCH_EVENT_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "broker/registry/client_event.h"
#include "broker/watch/kept_event.h"

namespace rmq {

// Keeps the events of the latest revisions, but for kChange, which only tells
// members to ask who is there. Forgets whole revisions, the oldest first, when
// there are too many events or too many bytes.
//
// Thread-safe. A listener of the table's events.
class EventHistory final : public ClientEventListener {
 public:
  struct Options {
    // At most so many events are kept; at least kFewestEvents.
    size_t watch_history = 65'536;

    // Returns InvalidArgument, naming the field, for an invalid option.
    absl::Status Validate() const;
  };
  static constexpr size_t kFewestEvents = 1'000;
  static constexpr size_t kMostEvents = 10'000'000;
  // What the kept events may take together.
  static constexpr size_t kMostBytes = 64 * 1024 * 1024;

  // Which revisions are there. Events of revisions that have none of `oldest`
  // to `last` never were.
  struct Range {
    // The smallest revision whose events are kept, and those of all after it.
    uint64_t oldest = 1;
    // The last one that was delivered; 0: none was.
    uint64_t last = 0;
  };

  // Where a reader stands: the number of the next event that it reads, of all
  // that there ever were.
  using Position = uint64_t;

  // `options` must validate.
  explicit EventHistory(const Options& options, size_t most_bytes = kMostBytes)
      : most_events_(options.watch_history), most_bytes_(most_bytes) {}

  // Sets what is called after each delivery, with no lock held. Called once,
  // before other threads use the history.
  void set_listener(std::function<void()> on_news) {
    on_news_ = std::move(on_news);
  }

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);
  // The events of the delivery can be read from now on.
  void OnEventsDelivered() override ABSL_LOCKS_EXCLUDED(mu_);

  Range range() const ABSL_LOCKS_EXCLUDED(mu_);

  // Where the events of `revision` begin, or those after it if it has none, and
  // the range at that time. The revision must be range.oldest to range.last
  // + 1.
  Position Find(uint64_t revision, Range* range) const ABSL_LOCKS_EXCLUDED(mu_);

  // Reads up to `max` events from `*position` on, and moves it. Returns false
  // if some of them have been forgotten. `*range` is that at the time.
  bool Read(size_t max, Position* position, std::vector<KeptEventPtr>* events,
            Range* range) const ABSL_LOCKS_EXCLUDED(mu_);

  // Of the events that are kept.
  struct Size {
    size_t events = 0;
    size_t bytes = 0;
  };
  Size size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Forgets the first event's revision.
  void ForgetFirstLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t most_events_;
  const size_t most_bytes_;
  std::function<void()> on_news_;

  mutable absl::Mutex mu_;
  std::deque<KeptEventPtr> events_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  // The number of the first event in `events_`, and that behind the last one
  // that was delivered.
  Position first_ ABSL_GUARDED_BY(mu_) = 0;
  Position delivered_ ABSL_GUARDED_BY(mu_) = 0;
  Range range_ ABSL_GUARDED_BY(mu_);
  // The last revision that an event was of, delivered or not.
  uint64_t newest_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // BROKER_WATCH_EVENT_HISTORY_H_
