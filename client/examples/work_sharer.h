// Tells which shards of some work this process may work on. The processes of a
// consumer group share the shards by the list of one broker. WORK_SHARING.md
// says what is guaranteed and what is not.
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

// Returns for each of `shards` shards whether `me` owns it. Each member owns a
// run of shards, in the order of the client ids; runs are of one length, or one
// longer. Processes with the same list compute the same owners.
std::vector<bool> ShardsOf(absl::string_view me,
                           std::vector<std::string> client_ids, int shards);

// One thread uses it and works; any thread may call OnConsumerIdsChanged().
class WorkSharer {
 public:
  // How long a query for the list may take. Without an answer the process owns
  // nothing.
  static constexpr absl::Duration kQueryTimeout = absl::Seconds(1);
  // How often it looks at the client's health.
  static constexpr absl::Duration kLook = absl::Milliseconds(200);
  // A process that did not look for this long was paused or busy, and its list
  // may be old.
  static constexpr absl::Duration kPause = absl::Seconds(1);

  struct Options {
    // The address of the one broker whose list counts, and the group.
    std::string broker;
    std::string group;
    int shards = 32;
    // How long a new owner waits before it works on a shard, so that the
    // earlier owner has let go. More than kQueryTimeout and the longest piece
    // of work together.
    absl::Duration hand_over = absl::Seconds(3);
  };

  // `now` tells the time of a steady clock.
  WorkSharer(Options options, std::function<absl::Time()> now);

  // Call it in the client's callback of that name.
  void OnConsumerIdsChanged(const ConsumerIdsChanged& change);

  // Returns whether a piece of work on `shard` may begin now. Call it before
  // each piece. Now and then it queries the broker, for kQueryTimeout at most.
  bool MayWork(Client& client, int shard);

  // Why the process may work on no shard, for people to read.
  absl::string_view why_nothing() const { return why_nothing_; }

 private:
  void Look(Client& client);
  bool IsOnline(const Client& client) const;
  // Reads the list, and computes the shards.
  void Share(Client& client);
  void OwnNothing(absl::string_view why);

  const Options options_;
  const std::function<absl::Time()> now_;

  std::atomic<bool> changed_{false};  // The list has changed since it was read.

  bool read_ = false;  // The list was read, and no change was missed since.
  absl::Time looked_at_ = absl::InfinitePast();
  // When work on each shard may begin; InfiniteFuture for those of others.
  std::vector<absl::Time> from_;
  absl::string_view why_nothing_ = "nothing is known yet";
};

}  // namespace rmq::examples

#endif  // CLIENT_EXAMPLES_WORK_SHARER_H_
