// Takes clients out because an operator asks for it.
#ifndef BROKER_PROCESSOR_CLIENT_KICKER_H_
#define BROKER_PROCESSOR_CLIENT_KICKER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_holds.h"
#include "broker/registry/client_table.h"
#include "common/due_task.h"

namespace rmq {

// Thread-safe; its methods as a DueTask are called by one thread. Borrows the
// table and the notifier, which outlive it.
class ClientKicker final : public DueTask {
 public:
  struct Options {
    // How long a client is held if the operator does not say; 0 to 24 h. 0: it
    // may come back at once.
    absl::Duration kick_hold = absl::Minutes(10);

    absl::Status Validate() const;
  };
  static constexpr absl::Duration kLongestHold = absl::Hours(24);

  // How many channels a kick takes out itself; Run() does the rest, so that the
  // heartbeats of others do not wait for the end of very many streams.
  static constexpr size_t kMostAtOnce = 256;
  // How many Run() takes out. Few, because ending a stream writes to it.
  static constexpr size_t kMostInARun = 32;
  // How many kicks may wait for Run().
  static constexpr size_t kMostWaiting = 8;

  // `options` must validate. `on_due`, which may be null, is called when Run()
  // gets something to do.
  ClientKicker(const Options& options, ClientTable* table,
               ConsumerIdsNotifier* notifier, DueListener on_due = nullptr);

  const Options& options() const { return options_; }

  // Takes out the open channels that meet `filter`: at once no client of theirs
  // gets a heartbeat of a new channel accepted, for `hold` (none: kick_hold)
  // from `now`. The channels are closed, and their streams ended, with KICKED
  // and `reason`. Returns how many channels there are. ResourceExhausted, and
  // nothing is done, if kMostWaiting kicks are still under way.
  absl::StatusOr<size_t> Kick(const ChannelFilter& filter,
                              absl::optional<absl::Duration> hold,
                              const std::string& reason, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Lets the client in again that a kick holds, whichever process it is; all
  // clients if `client_id` is empty. Returns how many holds there were. Kicks
  // under way go on, and take out those that they have found.
  size_t Release(absl::string_view client_id, absl::Time now);

  // DueTask.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_);
  void Run(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The rest of a kick.
  struct Waiting {
    std::vector<ClientChannelPtr> channels;
    // How many of them have been taken out.
    size_t done = 0;
    ClientHold hold;
  };

  // Takes out some of the rest.
  void TakeOut(Waiting* kick, size_t max, absl::Time now);

  const Options options_;
  ClientTable& table_;
  ConsumerIdsNotifier& notifier_;
  const DueListener on_due_;

  absl::Mutex mu_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_PROCESSOR_CLIENT_KICKER_H_
