#include "tools/cmctl/watch_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/watch/membership_watcher.h"
#include "client/watch/watched_event.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/watch_view.h"

namespace rmq::cmctl {
namespace {

// How often the command asks whether to go on, and the table is drawn.
constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr absl::Duration kDraw = absl::Milliseconds(500);
// How long a callback that writes to a full pipe may hold the command up.
constexpr absl::Duration kShutdownTimeout = absl::Seconds(1);

// ECMA-48.
constexpr char kHideCursor[] = "\x1b[?25l";
constexpr char kShowCursor[] = "\x1b[?25h";
constexpr char kHome[] = "\x1b[H";
constexpr char kEraseLine[] = "\x1b[K";
constexpr char kEraseBelow[] = "\x1b[J";

std::string NamedJson(absl::string_view name, const std::string& value) {
  return absl::StrCat("{", JsonString(name), ":", value, "}");
}

// What is printed, by callbacks and by the command's own thread.
class Printer {
 public:
  Printer(const CommandLine& line, const Screen& screen)
      : json_(line.output == OutputFormat::kJson),
        live_(screen.is_terminal && !json_),
        screen_(screen),
        zone_(screen.time().zone),
        view_(line.broker().address, zone_) {}

  bool live() const { return live_; }

  void OnEvent(const WatchedEvent& event) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (live_) {
      view_.Add(event);
    } else if (json_) {
      PrintLocked(NamedJson("event", EventJson(event)));
    } else {
      PrintLocked(EventLine(event, zone_));
    }
  }
  void OnSynced(const WatchPosition& position) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (json_) {
      PrintLocked(NamedJson("synced",
                            absl::StrCat("{\"revision\":\"", position.revision,
                                         "\",\"broker_incarnation\":\"",
                                         position.broker_incarnation, "\"}")));
    } else {
      SayLocked(absl::StrCat("the members are known",
                             Kv("revision", position.revision)));
    }
  }
  void OnGap(const WatchGap& gap) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (json_) {
      PrintLocked(NamedJson(
          "gap", absl::StrCat("{\"from_revision\":\"", gap.from_revision,
                              "\",\"reason\":", JsonString(gap.reason), "}")));
    } else {
      SayLocked(absl::StrCat("events are lost",
                             Kv("from_revision", gap.from_revision),
                             Kv("reason", gap.reason)));
    }
  }
  void OnState(const WatchState& state) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    view_.SetState(state);
    if (json_) {
      PrintLocked(NamedJson(
          "state",
          absl::StrCat("{\"connected\":", state.connected ? "true" : "false",
                       ",\"error\":", JsonString(state.status.message()),
                       "}")));
    } else if (!live_) {
      SayLocked(state.connected
                    ? std::string("connected")
                    : absl::StrCat("away, trying again",
                                   Kv("error", state.status.message())));
    }
  }

  // Draws the table. `groups` are those of now; an error keeps those of before.
  void Draw(absl::StatusOr<std::vector<WatchedGroup>> groups)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (groups.ok()) view_.SetGroups(*std::move(groups));
    const auto size = [](int side) {
      return static_cast<size_t>(std::max(side, 1));
    };
    std::string text = view_.Show(size(screen_.columns()), size(screen_.rows()),
                                  screen_.time().now);
    std::string drawn = absl::StrCat(kHideCursor, kHome);
    for (const char c : text) {
      if (c == '\n') absl::StrAppend(&drawn, kEraseLine);
      drawn.push_back(c);
    }
    screen_.out << drawn << kEraseBelow << std::flush;
  }

  // Leaves the terminal as it was, below the table.
  void Tidy() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (live_) screen_.out << kShowCursor << std::flush;
  }

 private:
  void PrintLocked(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    screen_.out << line << "\n" << std::flush;
  }
  // A line that is no event.
  void SayLocked(const std::string& what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const std::string line = absl::StrCat(
        absl::FormatTime(live_ ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%E3S",
                         screen_.time().now, zone_),
        " -- ", what);
    if (live_) {
      view_.AddLine(line);
    } else {
      PrintLocked(line);
    }
  }

  const bool json_;
  const bool live_;
  const Screen& screen_;
  const absl::TimeZone zone_;
  absl::Mutex mu_;
  WatchView view_ ABSL_GUARDED_BY(mu_);
};

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

MembershipWatcherOptions OptionsOf(const CommandLine& line) {
  MembershipWatcherOptions options;
  options.brokers = {line.broker().address};
  options.tls = line.broker().security.tls;
  options.credentials = line.broker().security.credentials;
  options.allow_insecure_credentials =
      line.broker().security.allow_insecure_credentials;
  options.groups = line.list("groups");
  options.consumers = line.value("kind") != "producer";
  options.producers = line.value("kind") != "consumer";
  options.from_revision = FromRevision(line).value_or(0);
  return options;
}

absl::Status Watch(const CommandLine& line, const Stream&,
                   const Screen& screen) {
  MembershipWatcherOptions options = OptionsOf(line);
  Printer printer(line, screen);
  options.on_event = [&](const std::string&, const WatchedEvent& event) {
    printer.OnEvent(event);
  };
  options.on_synced = [&](const std::string&, const WatchPosition& position) {
    printer.OnSynced(position);
  };
  options.on_gap = [&](const std::string&, const WatchGap& gap) {
    printer.OnGap(gap);
  };
  options.on_state = [&](const std::string&, const WatchState& state) {
    printer.OnState(state);
  };
  const absl::Time end = RealClock().TimeNow() + line.timeout;
  absl::StatusOr<std::unique_ptr<MembershipWatcher>> watcher =
      MembershipWatcher::Start(std::move(options));
  if (!watcher.ok()) return watcher.status();
  absl::Time next_draw = absl::InfinitePast();
  while (screen.goes_on() && RealClock().TimeNow() < end) {
    if (printer.live() && next_draw <= RealClock().TimeNow()) {
      printer.Draw((*watcher)->Groups(line.broker().address));
      next_draw = RealClock().TimeNow() + kDraw;
    }
    absl::SleepFor(std::min(kLook, end - RealClock().TimeNow()));
  }
  if (!(*watcher)->Shutdown(kShutdownTimeout).ok()) {
    // A callback writes to a pipe that nobody reads, and cannot be ended.
    std::_Exit(screen.exit_code());
  }
  printer.Tidy();
  return absl::OkStatus();
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
      "says so. Ends with Ctrl-C, or after --timeout\nwith exit code 0.",
      {{"kind", "consumer|producer|all", "all", "which groups"},
       {"from", "REVISION", "",
        "begin with the events of this revision, which\nthe broker may still "
        "have",
        Option::Takes::kText}}};
  watch.follow = Watch;
  watch.check = [](const CommandLine& line) {
    const absl::Status status = FromRevision(line).status();
    return status.ok() ? OptionsOf(line).Validate() : status;
  };
  watch.more_arguments = {"GROUP", "groups"};
  return {watch};
}

}  // namespace rmq::cmctl
