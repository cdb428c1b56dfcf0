// Prints what watchers of brokers are told.
#ifndef TOOLS_CMCTL_WATCH_PRINTER_H_
#define TOOLS_CMCTL_WATCH_PRINTER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/watch/watched_event.h"
#include "common/failure_ways.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/watch_view.h"

namespace rmq::cmctl {

// The groups at each broker that is watched.
using GroupsByAddress =
    std::map<std::string, absl::StatusOr<std::vector<WatchedGroup>>>;

// On a terminal a table that is kept up to date, else a line for each thing, or
// an object a line. If there are several brokers, or may be, each line has its
// broker.
//
// Thread-safety: thread-safe: callbacks and the command's own thread call it.
class WatchPrinter {
 public:
  // `screen` is borrowed.
  WatchPrinter(const CommandLine& line, const Screen& screen);

  // Whether there is a table, which Draw() draws.
  bool live() const { return live_; }

  // The brokers of a cluster that are watched.
  void OnBrokers(const std::vector<BrokerEntry>& brokers)
      ABSL_LOCKS_EXCLUDED(mu_);
  // What keeps the cluster's source from telling its brokers; OK: nothing does.
  void OnSource(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mu_);
  // As MembershipWatcherOptions has them.
  void OnEvent(const std::string& address, const WatchedEvent& event)
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnSynced(const std::string& address, const WatchPosition& position)
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnGap(const std::string& address, const WatchGap& gap)
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnState(const std::string& address, const WatchState& state)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Draws the table. `groups` are those of now; an error keeps those of before.
  void Draw(const GroupsByAddress& groups) ABSL_LOCKS_EXCLUDED(mu_);

  // Leaves the terminal as it was, below the table.
  void Tidy() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Brokers by their addresses, and how they are called.
  using Labels = std::map<std::string, std::string>;

  // Whether the state says more than those before: the attempts of an outage
  // may fail in turn in one way and another.
  bool IsNewsLocked(const std::string& address, const WatchState& state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string LabelLocked(const std::string& address) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string JsonLocked(const std::string& address, absl::string_view name,
                         const std::string& value) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SayWhoCameAndWentLocked(const Labels& labels)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SayWatchedLocked(const std::string& label, bool is_watched)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PrintLocked(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SayOfLocked(const std::string& address, absl::string_view what,
                   absl::string_view details)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A line that is no event.
  void SayLocked(const std::string& what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const bool shows_brokers_;
  const bool json_;
  const bool live_;
  const Screen& screen_;
  const absl::TimeZone zone_;
  absl::Mutex mu_;
  Labels labels_ ABSL_GUARDED_BY(mu_);
  // Of each broker whose state was said.
  std::map<std::string, FailureWays> failures_ ABSL_GUARDED_BY(mu_);
  WatchView view_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_WATCH_PRINTER_H_
