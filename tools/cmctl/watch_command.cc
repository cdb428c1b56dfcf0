#include "tools/cmctl/watch_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "client/broker_entry.h"
#include "client/broker_resolver.h"
#include "client/client_runtime.h"
#include "client/discovery/resolver_source.h"
#include "client/watch/membership_watcher.h"
#include "client/watch/watched_event.h"
#include "common/failure_ways.h"
#include "common/real_clock.h"
#include "tools/cmctl/watch_printer.h"

namespace rmq::cmctl {
namespace {

// How often the command asks whether to go on, and the table is drawn.
constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr absl::Duration kDraw = absl::Milliseconds(500);
// How long a callback that writes to a full pipe may hold the command up.
constexpr absl::Duration kShutdownTimeout = absl::Seconds(1);

// 0: from now on.
absl::StatusOr<uint64_t> FromRevision(const CommandLine& line) {
  const std::string& from = line.value("from");
  if (from.empty()) return 0;
  uint64_t revision;
  if (!absl::SimpleAtoi(from, &revision) || revision == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--from must be a positive number, got \"", from, "\""));
  }
  return revision;
}

// What the user says of all brokers.
MembershipWatcherOptions OptionsOf(const CommandLine& line) {
  MembershipWatcherOptions options;
  options.groups = line.list("groups");
  options.consumers = line.value("kind") != "producer";
  options.producers = line.value("kind") != "consumer";
  options.from_revision = FromRevision(line).value_or(0);
  return options;
}

void SetSecurity(const AdminClientOptions& security,
                 MembershipWatcherOptions* options) {
  options->tls = security.tls;
  options->credentials = security.credentials;
  options->allow_insecure_credentials = security.allow_insecure_credentials;
}

// The watchers of all brokers: one of a cluster's, whose brokers are secured
// alike; of brokers that are named one each.
using Watchers = std::vector<std::unique_ptr<MembershipWatcher>>;

absl::StatusOr<Watchers> StartWatchers(const CommandLine& line,
                                       WatchPrinter* printer) {
  MembershipWatcherOptions options = OptionsOf(line);
  // Its one callback thread calls the printer, whichever the broker.
  options.runtime = ClientRuntime::Create();
  options.on_event = [printer](const std::string& address,
                               const WatchedEvent& event) {
    printer->OnEvent(address, event);
  };
  options.on_synced = [printer](const std::string& address,
                                const WatchPosition& position) {
    printer->OnSynced(address, position);
  };
  options.on_gap = [printer](const std::string& address, const WatchGap& gap) {
    printer->OnGap(address, gap);
  };
  options.on_state = [printer](const std::string& address,
                               const WatchState& state) {
    printer->OnState(address, state);
  };
  Watchers watchers;
  const auto start = [&watchers](MembershipWatcherOptions one) {
    auto watcher = MembershipWatcher::Start(std::move(one));
    if (watcher.ok()) watchers.push_back(*std::move(watcher));
    return watcher.status();
  };
  if (line.cluster != nullptr) {
    SetSecurity(line.broker().security, &options);
    options.resolver = std::shared_ptr<BrokerResolver>(line.cluster);
    options.on_brokers = [printer](const std::vector<BrokerEntry>& brokers) {
      printer->OnBrokers(brokers);
    };
    const absl::Status status = start(options);
    if (!status.ok()) return status;
    return watchers;
  }
  for (const BrokerTarget& broker : line.brokers) {
    SetSecurity(broker.security, &options);
    options.brokers = {broker.address};
    const absl::Status status = start(options);
    if (!status.ok()) return status;
  }
  return watchers;
}

GroupsByAddress GroupsOf(const Watchers& watchers) {
  GroupsByAddress groups;
  for (const auto& watcher : watchers) {
    const auto brokers = watcher->Brokers();
    if (!brokers.ok()) continue;
    for (const BrokerEntry& broker : *brokers) {
      groups.emplace(broker.address, watcher->Groups(broker.address));
    }
  }
  return groups;
}

absl::Status Watch(const CommandLine& line, const std::vector<FollowedBroker>&,
                   const Screen& screen) {
  WatchPrinter printer(line, screen);
  const absl::Time end = RealClock().TimeNow() + line.timeout;
  absl::StatusOr<Watchers> watchers = StartWatchers(line, &printer);
  if (!watchers.ok()) return watchers.status();
  absl::Time next_draw = absl::InfinitePast();
  FailureWays failures;  // Of the cluster's source.
  while (screen.goes_on() && RealClock().TimeNow() < end) {
    if (line.cluster != nullptr) {
      const absl::Status error = line.cluster->Status().error;
      if (error.ok() ? failures.Clear() : failures.Add(error)) {
        printer.OnSource(error);
      }
    }
    if (printer.live() && next_draw <= RealClock().TimeNow()) {
      printer.Draw(GroupsOf(*watchers));
      next_draw = RealClock().TimeNow() + kDraw;
    }
    absl::SleepFor(std::min(kLook, end - RealClock().TimeNow()));
  }
  for (const auto& watcher : *watchers) {
    if (watcher->Shutdown(kShutdownTimeout).ok()) continue;
    // A callback writes to a pipe that nobody reads, and cannot be ended.
    std::_Exit(screen.exit_code());
  }
  printer.Tidy();
  return absl::OkStatus();
}

absl::Status CheckWatch(const CommandLine& line) {
  const absl::Status status = FromRevision(line).status();
  if (!status.ok()) return status;
  MembershipWatcherOptions options = OptionsOf(line);
  options.brokers = {line.broker().address};
  return options.Validate();
}

// Once the brokers are known.
absl::Status CheckWatchedBrokers(const CommandLine& line) {
  if (line.value("from").empty() ||
      (line.cluster == nullptr && line.brokers.size() == 1)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "--from is a revision of one broker: name that one by --broker");
}

}  // namespace

std::vector<Command> WatchCommands() {
  Command watch = {
      "watch",
      {},
      "who joins and leaves groups, as it happens",
      "Shows what happens to the groups, or to all groups: on a terminal a "
      "table that\nis kept up to date, else a line an event, or with -o json "
      "an object a line. A\nconnection that is lost is set up again, and the "
      "watch goes on where it was cut;\nwhere that is not possible, a line "
      "says so. Ends with Ctrl-C, or after --timeout\nwith exit code 0.\n\n"
      "Several brokers are watched beside each other: each line has its "
      "broker, and says\nwhen one goes and comes back. Brokers of --cluster "
      "are watched as they come; one\nthat etcd lists no more is watched until "
      "its connection ends, so that the end of a\ndrain is seen.",
      {{"kind", "consumer|producer|all", "all", "which groups"},
       {"from", "REVISION", "",
        "begin with the events of this revision, which\nthe broker may still "
        "have",
        Option::Takes::kText}}};
  watch.follow = Watch;
  watch.check = CheckWatch;
  watch.check_brokers = CheckWatchedBrokers;
  watch.more_arguments = {"GROUP", "groups"};
  return {watch};
}

}  // namespace rmq::cmctl
