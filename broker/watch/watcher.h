// One who watches: which events, from where on, and how far it has come.
#ifndef BROKER_WATCH_WATCHER_H_
#define BROKER_WATCH_WATCHER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/table_queries.h"
#include "broker/watch/event_history.h"
#include "broker/watch/kept_event.h"
#include "common/response_code.h"

namespace rmq {

// Which groups' members and events are watched.
struct WatchFilter {
  // By name, each once. Empty: all, and events of no group.
  std::vector<std::string> groups;
  // Both if neither.
  bool producers = false;
  bool consumers = false;

  // `kind` and `group` are watched.
  bool Has(GroupKind kind, absl::string_view group) const;
  bool Has(const KeptEvent& event) const;
};

// The end reason of a watch that is slower than the events.
inline constexpr char kSlowWatcher[] = "SLOW_WATCHER";

// Makes the snapshot and the events of one watch.
//
// The snapshot is read from the table in pieces, while the table changes. The
// table tells with each piece up to which revision's events the piece is. An
// event of a membership is passed on if the piece with the membership was read
// before the event: not if the piece has its effect, and not if the piece will.
// So after the last piece, and the events up to that one's revision, pieces and
// events together say who is there; and from then on after each revision.
//
// Not thread-safe. Borrows its parts.
class Watcher {
 public:
  // What comes next.
  struct Step {
    enum class Kind {
      kNothing,  // Until more events are delivered, or NextProgress().
      kProgress,
      kSnapshot,
      kEvent,
      kEnd,  // `status`. There is nothing after it.
    };
    Kind kind = Kind::kNothing;
    // Of kProgress: see WatchProgress in admin.proto. Of the last piece of the
    // snapshot.
    uint64_t revision = 0;
    // Of kProgress.
    uint64_t oldest_revision = 0;
    // Of kSnapshot: the members of groups of one kind; and whether it is the
    // last piece, which has no members.
    GroupKind members_kind = GroupKind::kProducer;
    std::vector<GroupedMember> members;
    bool last = false;
    // Of kEvent.
    KeptEventPtr event;
    // Of kEvent: further events of its revision may follow. Then Next() is to
    // be called again before the watch is ended, so that no revision is told in
    // part.
    bool goes_on = false;
    CallStatus status;
  };

  // Members in one piece of the snapshot. With the longest labels and names, so
  // many fit into a message of the size that clients take by default (4 MiB).
  static constexpr size_t kPiece = 256;
  // Events that are looked at between two pieces.
  static constexpr size_t kEventsBetweenPieces = 1'000;
  static constexpr absl::Duration kProgressPeriod = absl::Seconds(10);

  // One of the Begin...() is called next, once.
  Watcher(const TableQueries* table, const EventHistory* history,
          WatchFilter filter)
      : table_(*table), history_(*history), filter_(std::move(filter)) {}

  // Watches from now on, with a snapshot first.
  void BeginWithSnapshot();
  // Watches from the events of `revision` (at least 1) on, without a snapshot.
  // Returns OUT_OF_RANGE, and the watch must not go on, if the history does not
  // reach back to it, or if the revision is still to come after the next one.
  CallStatus BeginAt(uint64_t revision);

  // Looks at as many events as are kept, at most, until one is passed on.
  Step Next(absl::Time now);

  // When there is a kProgress next, also without further events.
  absl::Time NextProgress() const { return next_progress_; }

 private:
  // A membership's place in the order of the snapshot: kind, group, channel.
  using Key = std::tuple<GroupKind, std::string, ChannelId>;
  // Pieces of the snapshot of one revision: the memberships behind those of the
  // part before, those at `end` not included. The last part has no end.
  struct Part {
    absl::optional<Key> end;
    uint64_t revision;
  };

  Step Progress(absl::Time now);
  // Fills `events_`. Returns false if some are gone.
  bool ReadEvents();
  Step TooSlow() const;
  // Whether there may be more events of the revision of `event`, the last one
  // that was taken.
  bool GoesOn(const KeptEvent& event) const;
  // Takes the first of `events_`. Whether it is passed on.
  bool TakeEvent(KeptEventPtr* event);
  // Whether the membership, or group, of the event was read before the event.
  bool IsReadBefore(const KeptEvent& event);
  // Reads the next piece, which may have no members.
  Step NextPiece();
  // The snapshot's last piece comes after all events up to its revision.
  bool LastPieceIsDue() const;
  Step LastPiece();

  const TableQueries& table_;
  const EventHistory& history_;
  const WatchFilter filter_;

  // Events that are read from the history at once.
  static constexpr size_t kRead = 64;

  absl::Time next_progress_ = absl::InfinitePast();
  EventHistory::Position position_ = 0;
  // The last revision that was delivered when `events_` were read.
  uint64_t delivered_ = 0;
  // Read and not passed on yet; at most kRead.
  std::deque<KeptEventPtr> events_;
  // As many as could be were read: there may be more.
  bool read_all_ = true;
  // See Step::goes_on, of the step before.
  bool goes_on_ = false;
  // All events up to this revision have been passed on, or are not watched.
  uint64_t complete_ = 0;

  // --- The snapshot ---

  // Memberships that are still to be read: those of channels behind `channel`
  // in `group`, and, unless `only_group`, those of the groups of the kind
  // behind it.
  struct Unread {
    GroupKind kind;
    std::string group;
    ChannelId channel;
    bool only_group;
  };
  std::deque<Unread> unread_;
  // The last piece has been sent, or the watch has no snapshot.
  bool snapshot_is_sent_ = false;
  // Events that were looked at since the last piece.
  size_t looked_at_ = 0;
  // Of the piece that was read last.
  uint64_t snapshot_revision_ = 0;
  // The parts whose revisions have not been passed: events up to these may
  // still come. In the order of reading, so that neither ends nor revisions
  // fall.
  std::deque<Part> parts_;
  // The end of the parts whose revisions have been passed, if there are any.
  absl::optional<Key> passed_;
  // These are all memberships.
  bool all_passed_ = false;
};

}  // namespace rmq

#endif  // BROKER_WATCH_WATCHER_H_
