#include "tools/cmctl/drain_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/await_serving.h"
#include "tools/cmctl/drain_printer.h"
#include "tools/cmctl/named_brokers.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

absl::Status FillRequest(const CommandLine& line, pb::DrainRequest* request) {
  const std::string& duration = line.value("for");
  if (!line.value("cancel").empty()) {
    if (!duration.empty()) {
      return absl::InvalidArgumentError(
          "--for and --cancel exclude each other");
    }
    request->set_cancel(true);
    return absl::OkStatus();
  }
  absl::Duration parsed = absl::Minutes(5);
  if (!duration.empty() && !absl::ParseDuration(duration, &parsed)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--for must be a duration, as 5m or 90s, got \"",
                     EscapeControls(duration), "\""));
  }
  // The broker says what is allowed; none is larger than a day.
  const absl::Duration held =
      std::clamp(parsed, -absl::Hours(24 * 365), absl::Hours(24 * 365));
  absl::Duration rest;
  request->mutable_duration()->set_seconds(
      absl::IDivDuration(held, absl::Seconds(1), &rest));
  request->mutable_duration()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return absl::OkStatus();
}

// How a broker that its cluster does not list, as it is drained, is asked; ""
// if it is as before.
std::string WayTo(const BrokerTarget& broker) {
  return broker.label != broker.address && IsBrokerNameAndId(broker.label)
             ? absl::StrCat("--broker=", broker.address)
             : "";
}

// Has a broker drain, or cancel its drain, and follows that until it ends, or
// with `waits` false until it has begun. `last` is the last that was told.
absl::Status DrainOne(const CommandLine& line, const FollowedBroker& broker,
                      absl::string_view label, bool waits, const Screen& screen,
                      DrainPrinter* printer, pb::DrainProgress* last) {
  pb::DrainRequest request;
  FillRequest(line, &request).IgnoreError();  // It was checked.
  const AdminStreamEnd end =
      broker.stream(request, [&](const google::protobuf::Message& message) {
        last->CopyFrom(message);
        printer->Print(label, *last);
        return waits;
      });
  printer->Tidy();
  const bool is_draining = last->state() == pb::DrainProgress::STATE_DRAINING;
  const bool is_told = last->state() != pb::DrainProgress::STATE_UNSPECIFIED;
  if (is_draining && (!waits || !screen.goes_on())) return absl::OkStatus();
  if (is_draining && absl::IsDeadlineExceeded(end.status)) {
    return absl::DeadlineExceededError(absl::StrCat(
        absl::FormatDuration(line.timeout), " are over: ", last->clients_left(),
        " of ", last->clients_at_start(), " clients are left, and ",
        GoesOn(*last, WayTo(broker.target))));
  }
  if (!waits && is_told) return absl::OkStatus();
  if (!end.status.ok()) return end.status;
  if (!request.cancel() &&
      last->state() == pb::DrainProgress::STATE_CANCELLED) {
    return absl::AbortedError("the drain was cancelled");
  }
  return absl::OkStatus();
}

absl::Status DrainTheOnly(const CommandLine& line, const FollowedBroker& broker,
                          const Screen& screen) {
  DrainPrinter printer(line, screen, /*redraws=*/true);
  pb::DrainProgress last;
  const absl::Status status = DrainOne(
      line, broker, "", line.value("no-wait").empty(), screen, &printer, &last);
  const std::string way = WayTo(broker.target);
  if (status.ok() && last.state() == pb::DrainProgress::STATE_DRAINING) {
    printer.Say(GoesOn(last, way));
  }
  if (status.ok() && !way.empty() && !last.going_down() &&
      last.state() != pb::DrainProgress::STATE_CANCELLED) {
    printer.Say(absl::StrCat("while it is drained its cluster does not list ",
                             broker.target.label, ": ", way, " asks it"));
  }
  return status;
}

absl::Status Joined(absl::StatusCode code,
                    const std::vector<std::string>& errors) {
  return errors.empty() ? absl::OkStatus()
                        : absl::Status(code, absl::StrJoin(errors, "; "));
}

// A drain of several at once that goes on.
struct Draining {
  const FollowedBroker* broker;
  pb::DrainProgress progress;
  int failures = 0;  // In a row.
};
// After so many a broker counts as gone.
constexpr int kMostFailures = 3;

// Looks how far a drain has come. Whether there is no more to come: the end is
// printed, or is one of `errors`.
bool HasEnded(Draining* draining, DrainPrinter* printer,
              std::vector<std::string>* errors) {
  const std::string& label = draining->broker->target.label;
  const auto facts = FactsOf(draining->broker->ask);
  if (!facts.ok()) {
    if (++draining->failures < kMostFailures) return false;
    errors->push_back(BrokerError(label, facts.status()));
    return true;
  }
  draining->failures = 0;
  pb::DrainProgress& progress = draining->progress;
  const int64_t before = progress.clients_left();
  progress.set_clients_left(facts->channels());
  switch (facts->state()) {
    case pb::GetBrokerResponse::STATE_DRAINED:
      progress.set_state(pb::DrainProgress::STATE_DRAINED);
      printer->Print(label, progress);
      return true;
    case pb::GetBrokerResponse::STATE_DRAINING:
      if (facts->channels() != before) printer->Print(label, progress);
      return false;
    default:
      errors->push_back(absl::StrCat(
          label, ": it serves: its drain was cancelled, or it was restarted"));
      return true;
  }
}

// What ends the drains of brokers: by address, if their cluster does not list
// them.
std::string CancelOf(const std::vector<std::string>& unlisted) {
  return absl::StrCat(
      "cmctl drain --all --cancel",
      unlisted.empty() ? "" : " --broker=", absl::StrJoin(unlisted, ","));
}

absl::Status DrainAll(const CommandLine& line,
                      const std::vector<FollowedBroker>& brokers,
                      absl::Time end, const Screen& screen) {
  DrainPrinter printer(line, screen, /*redraws=*/false);
  std::vector<std::string> errors;
  std::vector<Draining> left;
  std::vector<std::string> unlisted;  // Addresses of those that drain.
  for (const FollowedBroker& broker : brokers) {
    if (!screen.goes_on()) break;
    pb::DrainProgress last;
    const absl::Status status =
        DrainOne(line, broker, broker.target.label, /*waits=*/false, screen,
                 &printer, &last);
    if (!status.ok()) {
      errors.push_back(BrokerError(broker.target.label, status));
      continue;
    }
    if (last.state() == pb::DrainProgress::STATE_DRAINING) {
      left.push_back({&broker, last});
    }
    if (last.state() != pb::DrainProgress::STATE_CANCELLED &&
        !last.going_down() && !WayTo(broker.target).empty()) {
      unlisted.push_back(broker.target.address);
    }
  }
  if (line.value("no-wait").empty()) {
    LookUntil(screen, end, [&] {
      left.erase(std::remove_if(left.begin(), left.end(),
                                [&](Draining& each) {
                                  return HasEnded(&each, &printer, &errors);
                                }),
                 left.end());
      return left.empty();
    });
  }
  if (left.empty()) {
    if (!unlisted.empty()) {
      printer.Say(
          absl::StrCat("while they are drained their cluster does not list "
                       "them: ",
                       CancelOf(unlisted), " lets clients in again"));
    }
    return Joined(absl::StatusCode::kAborted, errors);
  }
  const std::string goes_on =
      absl::StrCat("the drains go on; ", CancelOf(unlisted), " ends them");
  if (!line.value("no-wait").empty() || !screen.goes_on()) {
    printer.Say(goes_on);
    return Joined(absl::StatusCode::kAborted, errors);
  }
  for (const Draining& each : left) {
    errors.push_back(absl::StrCat(each.broker->target.label, ": ",
                                  each.progress.clients_left(),
                                  " clients are left"));
  }
  errors.push_back(absl::StrCat(absl::FormatDuration(line.timeout),
                                " are over, and ", goes_on));
  return Joined(absl::StatusCode::kDeadlineExceeded, errors);
}

absl::Status DrainInTurn(const CommandLine& line,
                         const std::vector<FollowedBroker>& brokers,
                         absl::Time end, const Screen& screen) {
  DrainPrinter printer(line, screen, /*redraws=*/true);
  for (size_t i = 0; i < brokers.size(); ++i) {
    const std::string& label = brokers[i].target.label;
    const std::string rest = absl::StrJoin(
        brokers.begin() + static_cast<ptrdiff_t>(i) + 1, brokers.end(), ", ",
        [](std::string* out, const FollowedBroker& broker) {
          *out += broker.target.label;
        });
    const std::string not_drained =
        rest.empty() ? "" : absl::StrCat("; not drained: ", rest);
    // The last one is not waited for.
    const absl::StatusOr<pb::GetBrokerResponse> before =
        rest.empty() ? pb::GetBrokerResponse() : FactsOf(brokers[i].ask);
    pb::DrainProgress last;
    const absl::Status status =
        before.ok() ? DrainOne(line, brokers[i], label,
                               /*waits=*/true, screen, &printer, &last)
                    : before.status();
    if (!status.ok()) {
      return absl::Status(
          status.code(), absl::StrCat(BrokerError(label, status), not_drained));
    }
    if (!screen.goes_on()) {
      if (last.state() == pb::DrainProgress::STATE_DRAINING) {
        printer.Say(absl::StrCat(
            label, ": ", GoesOn(last, WayTo(brokers[i].target)), not_drained));
      }
      return absl::OkStatus();
    }
    const std::string way = WayTo(brokers[i].target);
    printer.Say(absl::StrCat(
        label, ": restart it, or cancel its drain",
        way.empty() ? "" : absl::StrCat(" (", way, ")"),
        rest.empty() ? ""
                     : absl::StrCat(": ", brokers[i + 1].target.label,
                                    " is drained when it serves again")));
    if (rest.empty()) break;
    const absl::Status served = AwaitServing(
        brokers[i], *before, line.source.get(), end, screen, &printer);
    if (served.ok()) continue;
    if (!screen.goes_on()) {
      printer.Say(absl::StrCat(label, " is drained", not_drained));
      return absl::OkStatus();
    }
    const std::string over =
        absl::IsDeadlineExceeded(served)
            ? absl::StrCat(absl::FormatDuration(line.timeout), " are over: ")
            : "";
    return absl::Status(served.code(),
                        absl::StrCat(over, served.message(), not_drained));
  }
  return absl::OkStatus();
}

absl::Status RunDrain(const CommandLine& line,
                      const std::vector<FollowedBroker>& brokers,
                      const Screen& screen) {
  if (brokers.size() == 1) return DrainTheOnly(line, brokers[0], screen);
  const absl::Time end = screen.steady_now() + line.timeout;
  return line.value("all").empty() ? DrainInTurn(line, brokers, end, screen)
                                   : DrainAll(line, brokers, end, screen);
}

absl::Status CheckDrain(const CommandLine& line) {
  pb::DrainRequest request;
  const absl::Status status = FillRequest(line, &request);
  if (!status.ok() || line.value("one-by-one").empty()) return status;
  for (const absl::string_view other : {"all", "cancel", "no-wait"}) {
    if (line.value(other).empty()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--one-by-one and --", other, " exclude each other"));
  }
  return absl::OkStatus();
}

absl::Status CheckDrainedBrokers(const CommandLine& line) {
  if (line.brokers.size() == 1 || !line.value("all").empty() ||
      !line.value("one-by-one").empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "drain is about one broker, got ", line.brokers.size(), " (",
      absl::StrJoin(line.brokers, ", ",
                    [](std::string* out, const BrokerTarget& broker) {
                      *out += broker.label;
                    }),
      "): name one by --broker, or give ",
      line.value("cancel").empty() ? "--one-by-one or --all" : "--all"));
}

}  // namespace

std::vector<Command> DrainCommands() {
  Command drain = {
      "drain",
      {},
      "tells all clients to go, and lets none in",
      "Has the broker tell its clients to go, one after the other, and turn "
      "away those\nthat come: before it is restarted, or taken out of service. "
      "Shows how far that\nhas come. The drain goes on without this command, "
      "and the broker takes no\nclients until --cancel. Exits with 1 if all "
      "clients are not gone when --timeout is\nover.\n\n"
      "Of a cluster's brokers --broker names the one: --cluster=RESOLVER "
      "--broker=broker-a.\nSeveral brokers are drained with --one-by-one, to "
      "restart all of them, or with\n--all; without either the command is "
      "refused.",
      {{"for", "DURATION", "",
        "spread over so long, 0 to 24h; 5m if it is not given.\nWhile the "
        "broker drains already, for those that are left",
        Option::Takes::kText},
       {"cancel", "", "", "let clients in again", Option::Takes::kNothing},
       {"no-wait", "", "", "do not wait for the end", Option::Takes::kNothing},
       {"one-by-one", "", "",
        "drain the next broker when the one before, which was\ndrained, serves "
        "again, has settled, and is in etcd if it\nregisters there: while this "
        "waits, restart it. With --cluster it\nmay come back at another "
        "address. If it is not found for 1h,\nthe command ends with 1",
        Option::Takes::kNothing},
       {"all", "", "",
        "drain all brokers at the same time, or cancel that:\nclients have "
        "nowhere to go meanwhile",
        Option::Takes::kNothing}}};
  drain.follow = RunDrain;
  drain.check = CheckDrain;
  drain.check_brokers = CheckDrainedBrokers;
  return {drain};
}

}  // namespace rmq::cmctl
