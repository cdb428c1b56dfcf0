// Which shards of some work this process may work on: the processes of a
// consumer group share them by the list of one broker. WORK_SHARING.md tells
// what holds and what does not.
//
//   rmq::examples::WorkSharer sharer(options, now);
//   client_options.on_consumer_ids_changed = [&](const auto& change) {
//     sharer.OnConsumerIdsChanged(change);
//   };
//   ...
//   while (...) {
//     for (int shard = 0; shard < 32; ++shard) {
//       if (sharer.MayWork(*client, shard)) WorkALittleOn(shard);
//     }
//   }
#ifndef CLIENT_EXAMPLES_WORK_SHARER_H_
#define CLIENT_EXAMPLES_WORK_SHARER_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/client.h"

namespace rmq::examples {

// For each of `shards` shards whether it is that of `me`: the members have runs
// of shards in the order of their client ids, of the same length or one longer.
// All processes come to the same if they have the same list.
std::vector<bool> ShardsOf(absl::string_view me,
                           std::vector<std::string> client_ids, int shards);

// Used by one thread, which works; OnConsumerIdsChanged() comes from any.
class WorkSharer {
 public:
  // The list is asked for within this, or nothing is ours.
  static constexpr absl::Duration kQueryTimeout = absl::Seconds(1);
  // The client's health is looked at as often as this.
  static constexpr absl::Duration kLook = absl::Milliseconds(200);
  // A process that did not look for so long was paused, or busy: what it knows
  // may be old.
  static constexpr absl::Duration kPause = absl::Seconds(1);

  struct Options {
    // The address of the one broker whose list counts, and the group.
    std::string broker;
    std::string group;
    int shards = 32;
    // A shard that has become ours is left to whoever had it for so long. More
    // than kQueryTimeout and the longest piece of work together.
    absl::Duration hand_over = absl::Seconds(3);
  };

  // `now` tells the time of a steady clock.
  WorkSharer(Options options, std::function<absl::Time()> now);

  // For the callback.
  void OnConsumerIdsChanged(const ConsumerIdsChanged& change);

  // Whether a piece of work of `shard` may be begun now: to be asked before
  // each piece. Now and then it asks the client, for kQueryTimeout at most.
  bool MayWork(Client& client, int shard);

  // If no shard may be worked on: why, for people.
  absl::string_view why_nothing() const { return why_nothing_; }

 private:
  void Look(Client& client);
  bool IsOnline(const Client& client) const;
  // Reads the list, and sets whose the shards are.
  void Share(Client& client);
  void OwnNothing(absl::string_view why);

  const Options options_;
  const std::function<absl::Time()> now_;

  std::atomic<bool> changed_{false};  // The list may be another than was read.

  bool read_ = false;  // The list was, and nothing has been missed since.
  absl::Time looked_at_ = absl::InfinitePast();
  // When work on each shard may begin; InfiniteFuture if it is not ours.
  std::vector<absl::Time> from_;
  absl::string_view why_nothing_ = "nothing is known yet";
};

}  // namespace rmq::examples

#endif  // CLIENT_EXAMPLES_WORK_SHARER_H_
