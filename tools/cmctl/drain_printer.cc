#include "tools/cmctl/drain_printer.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

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

}  // namespace

std::string GoesOn(const pb::DrainProgress& progress, absl::string_view way) {
  return progress.going_down()
             ? "the drain goes on, and then the broker goes down"
             : absl::StrCat("the drain goes on; cmctl drain --cancel",
                            way.empty() ? "" : " ", way, " ends it");
}

void DrainPrinter::Print(absl::string_view label,
                         const pb::DrainProgress& progress) {
  if (json_) {
    const std::string json = JsonLine(progress);
    screen_.out << (label.empty()
                        ? json
                        : absl::StrCat("{\"broker\":", JsonString(label), ",",
                                       json.substr(1)))
                << "\n"
                << std::flush;
    return;
  }
  const std::string words = EscapeControls(absl::StrCat(
      label, label.empty() ? "" : ": ", InWords(progress, screen_.time())));
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
  text.resize(std::min(text.size(), static_cast<size_t>(std::max(columns, 0))));
  screen_.out << "\r\x1b[K" << text << std::flush;
  is_drawn_ = true;
}

void DrainPrinter::Tidy() {
  if (is_drawn_) screen_.out << "\n";
  is_drawn_ = false;
}

void DrainPrinter::Say(absl::string_view text) {
  Tidy();
  if (!json_) screen_.out << EscapeControls(text) << "\n" << std::flush;
}

}  // namespace rmq::cmctl
