#include "tools/cmctl/drain_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// What becomes of a drain, or of the broker that is drained.
std::string GoesOn(const pb::DrainProgress& progress) {
  return progress.going_down()
             ? "the drain goes on, and then the broker goes down"
             : "the drain goes on; cmctl drain --cancel ends it";
}

constexpr int kWidestBar = 40;

// When the last client is told to go, from now.
absl::Duration TimeLeft(const pb::DrainProgress& progress,
                        const TableTime& time) {
  const absl::Time ends = absl::FromUnixSeconds(progress.ends_at().seconds()) +
                          absl::Nanoseconds(progress.ends_at().nanos());
  return std::max(absl::Ceil(ends - time.now, absl::Seconds(1)),
                  absl::ZeroDuration());
}

std::string InWords(const pb::DrainProgress& progress, const TableTime& time) {
  switch (progress.state()) {
    case pb::DrainProgress::STATE_DRAINED:
      return absl::StrCat("drained: all clients are gone, and the broker ",
                          progress.going_down()
                              ? "goes down"
                              : "takes no clients until cmctl drain --cancel");
    case pb::DrainProgress::STATE_CANCELLED:
      return absl::StrCat("the broker takes clients, and has ",
                          progress.clients_left());
    default:
      return absl::StrCat(
          progress.clients_left(), " of ", progress.clients_at_start(),
          " clients left, ", absl::FormatDuration(TimeLeft(progress, time)),
          " to go", progress.going_down() ? ": the broker goes down" : "");
  }
}

// "[####......]  40 %".
std::string Bar(const pb::DrainProgress& progress, int width) {
  const double start =
      std::max<double>(1, static_cast<double>(progress.clients_at_start()));
  const double done = std::clamp(
      1 - static_cast<double>(progress.clients_left()) / start, 0.0, 1.0);
  const int full = static_cast<int>(done * width);
  const std::string percent = absl::StrCat(static_cast<int>(done * 100), " %");
  return absl::StrCat(
      "[", std::string(full, '#'), std::string(width - full, '.'), "] ",
      std::string(5 - std::min<size_t>(5, percent.size()), ' '), percent);
}

// Prints progress: one line that is drawn again and again on a terminal, else a
// line each.
class Printer {
 public:
  Printer(const CommandLine& line, const Screen& screen)
      : screen_(screen),
        json_(line.output == OutputFormat::kJson),
        redraws_(screen.is_terminal && !json_) {}

  void Print(const pb::DrainProgress& progress) {
    if (json_) {
      screen_.out << JsonLine(progress) << "\n" << std::flush;
      return;
    }
    const std::string words = InWords(progress, screen_.time());
    if (!redraws_ || progress.state() != pb::DrainProgress::STATE_DRAINING) {
      Tidy();
      screen_.out << words << "\n" << std::flush;
      return;
    }
    constexpr int kBesideTheBar = 10;
    const int columns = screen_.columns() - 1;
    const int width = std::min(
        kWidestBar, columns - kBesideTheBar - static_cast<int>(words.size()));
    std::string text =
        width > 0 ? absl::StrCat(Bar(progress, width), "  ", words) : words;
    text.resize(
        std::min(text.size(), static_cast<size_t>(std::max(columns, 0))));
    screen_.out << "\r\x1b[K" << text << std::flush;
    is_drawn_ = true;
  }

  // Goes on below the line that is drawn.
  void Tidy() {
    if (is_drawn_) screen_.out << "\n";
    is_drawn_ = false;
  }
  // Not where programs read.
  void Say(absl::string_view text) {
    Tidy();
    if (!json_) screen_.out << text << "\n" << std::flush;
  }

 private:
  const Screen& screen_;
  const bool json_;
  const bool redraws_;
  bool is_drawn_ = false;
};

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

absl::Status RunDrain(const CommandLine& line, const Stream& stream,
                      const Screen& screen) {
  pb::DrainRequest request;
  FillRequest(line, &request).IgnoreError();  // It was checked.
  const bool waits = line.value("no-wait").empty();
  Printer printer(line, screen);
  pb::DrainProgress last;
  const AdminStreamEnd end =
      stream(request, [&](const google::protobuf::Message& message) {
        last.CopyFrom(message);
        printer.Print(last);
        return waits;
      });
  printer.Tidy();
  const bool is_draining = last.state() == pb::DrainProgress::STATE_DRAINING;
  const bool is_told = last.state() != pb::DrainProgress::STATE_UNSPECIFIED;
  if (is_draining && (!waits || !screen.goes_on())) {
    printer.Say(GoesOn(last));
    return absl::OkStatus();
  }
  if (is_draining && absl::IsDeadlineExceeded(end.status)) {
    return absl::DeadlineExceededError(absl::StrCat(
        absl::FormatDuration(line.timeout), " are over: ", last.clients_left(),
        " of ", last.clients_at_start(), " clients are left, and ",
        GoesOn(last)));
  }
  if (!waits && is_told) return absl::OkStatus();
  if (!end.status.ok()) return end.status;
  if (!request.cancel() && last.state() == pb::DrainProgress::STATE_CANCELLED) {
    return absl::AbortedError("the drain was cancelled");
  }
  return absl::OkStatus();
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
      "clients are not gone when --timeout is\nover.",
      {{"for", "DURATION", "",
        "spread over so long, 0 to 24h; 5m if it is not given.\nWhile the "
        "broker drains already, for those that are left",
        Option::Takes::kText},
       {"cancel", "", "", "let clients in again", Option::Takes::kNothing},
       {"no-wait", "", "", "do not wait for the end",
        Option::Takes::kNothing}}};
  drain.follow = RunDrain;
  drain.check = [](const CommandLine& line) {
    pb::DrainRequest request;
    return FillRequest(line, &request);
  };
  return {drain};
}

}  // namespace rmq::cmctl
