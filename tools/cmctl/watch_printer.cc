#include "tools/cmctl/watch_printer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "tools/cmctl/broker_label.h"
#include "tools/cmctl/message_json.h"

namespace rmq::cmctl {
namespace {

// ECMA-48.
constexpr char kHideCursor[] = "\x1b[?25l";
constexpr char kShowCursor[] = "\x1b[?25h";
constexpr char kHome[] = "\x1b[H";
constexpr char kEraseLine[] = "\x1b[K";
constexpr char kEraseBelow[] = "\x1b[J";

}  // namespace

WatchPrinter::WatchPrinter(const CommandLine& line, const Screen& screen)
    : shows_brokers_(line.cluster != nullptr || line.brokers.size() > 1),
      json_(line.output == OutputFormat::kJson),
      live_(screen.is_terminal && !json_),
      screen_(screen),
      zone_(screen.time().zone),
      view_(shows_brokers_, zone_) {
  if (line.cluster != nullptr) return;
  for (const BrokerTarget& broker : line.brokers) {
    labels_[broker.address] = broker.label;
  }
  view_.SetBrokers(labels_);
}

void WatchPrinter::OnBrokers(const std::vector<BrokerEntry>& brokers) {
  Labels labels;
  for (const BrokerEntry& broker : brokers) {
    labels[broker.address] = BrokerLabel(broker);
  }
  MutexLock lock(&mu_);
  // The first ones are no news: their states follow.
  if (!labels_.empty()) SayWhoCameAndWentLocked(labels);
  labels_ = std::move(labels);
  view_.SetBrokers(labels_);
}

void WatchPrinter::OnSource(const absl::Status& error) {
  MutexLock lock(&mu_);
  if (json_) {
    PrintLocked(absl::StrCat(
        "{\"source\":{\"error\":", JsonString(error.message()), "}}"));
  } else {
    SayLocked(error.ok() ? std::string("the list of brokers is known again")
                         : absl::StrCat("the list of brokers may be old",
                                        Kv("error", error.message())));
  }
}

void WatchPrinter::OnEvent(const std::string& address,
                           const WatchedEvent& event) {
  MutexLock lock(&mu_);
  if (live_) {
    view_.Add(address, event);
  } else if (json_) {
    PrintLocked(JsonLocked(address, "event", EventJson(event)));
  } else {
    PrintLocked(
        EventLine(event, zone_, shows_brokers_ ? LabelLocked(address) : ""));
  }
}

void WatchPrinter::OnSynced(const std::string& address,
                            const WatchPosition& position) {
  MutexLock lock(&mu_);
  if (json_) {
    PrintLocked(JsonLocked(address, "synced",
                           absl::StrCat("{\"revision\":\"", position.revision,
                                        "\",\"broker_incarnation\":\"",
                                        position.broker_incarnation, "\"}")));
  } else {
    SayOfLocked(address, "the members are known",
                Kv("revision", position.revision));
  }
}

void WatchPrinter::OnGap(const std::string& address, const WatchGap& gap) {
  MutexLock lock(&mu_);
  if (json_) {
    PrintLocked(JsonLocked(
        address, "gap",
        absl::StrCat("{\"from_revision\":\"", gap.from_revision,
                     "\",\"reason\":", JsonString(gap.reason), "}")));
  } else {
    SayOfLocked(address, "events are lost",
                absl::StrCat(Kv("from_revision", gap.from_revision),
                             Kv("reason", gap.reason)));
  }
}

void WatchPrinter::OnState(const std::string& address,
                           const WatchState& state) {
  MutexLock lock(&mu_);
  view_.SetState(address, state);
  if (json_) {
    PrintLocked(JsonLocked(
        address, "state",
        absl::StrCat("{\"connected\":", state.connected ? "true" : "false",
                     ",\"error\":", JsonString(state.status.message()), "}")));
  } else if (IsNewsLocked(address, state) && (!live_ || shows_brokers_)) {
    // The head of a table has the state of one broker.
    if (state.connected) {
      SayOfLocked(address, "connected", "");
    } else {
      SayOfLocked(address, "away, trying again",
                  Kv("error", state.status.message()));
    }
  }
}

bool WatchPrinter::IsNewsLocked(const std::string& address,
                                const WatchState& state) {
  const auto [failures, is_first] = failures_.try_emplace(address);
  if (!state.connected && !state.status.ok()) {
    return failures->second.Add(state.status);
  }
  return failures->second.Clear() || is_first;
}

void WatchPrinter::Draw(const GroupsByAddress& groups) {
  MutexLock lock(&mu_);
  for (const auto& [address, of_broker] : groups) {
    if (of_broker.ok()) view_.SetGroups(address, *of_broker);
  }
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

void WatchPrinter::Tidy() {
  MutexLock lock(&mu_);
  if (live_) screen_.out << kShowCursor << std::flush;
}

std::string WatchPrinter::LabelLocked(const std::string& address) const {
  const auto label = labels_.find(address);
  return label == labels_.end() ? address : label->second;
}

std::string WatchPrinter::JsonLocked(const std::string& address,
                                     absl::string_view name,
                                     const std::string& value) const {
  return absl::StrCat(
      "{",
      shows_brokers_
          ? absl::StrCat("\"broker\":", JsonString(LabelLocked(address)), ",")
          : "",
      JsonString(name), ":", value, "}");
}

void WatchPrinter::SayWhoCameAndWentLocked(const Labels& labels) {
  for (const auto& [address, label] : labels) {
    if (labels_.count(address) == 0) SayWatchedLocked(label, true);
  }
  for (const auto& [address, label] : labels_) {
    if (labels.count(address) > 0) continue;
    failures_.erase(address);
    SayWatchedLocked(label, false);
  }
}

void WatchPrinter::SayWatchedLocked(const std::string& label, bool is_watched) {
  if (json_) {
    PrintLocked(absl::StrCat("{\"broker\":", JsonString(label), ",\"watched\":",
                             is_watched ? "true" : "false", "}"));
  } else {
    SayLocked(absl::StrCat(is_watched ? "listed, and watched from now on"
                                      : "away and not listed: watched no more",
                           Kv("broker", label)));
  }
}

void WatchPrinter::PrintLocked(const std::string& line) {
  screen_.out << line << "\n" << std::flush;
}

void WatchPrinter::SayOfLocked(const std::string& address,
                               absl::string_view what,
                               absl::string_view details) {
  SayLocked(absl::StrCat(
      what, shows_brokers_ ? Kv("broker", LabelLocked(address)) : "", details));
}

void WatchPrinter::SayLocked(const std::string& what) {
  const std::string line =
      absl::StrCat(absl::FormatTime(live_ ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%E3S",
                                    screen_.time().now, zone_),
                   " -- ", what);
  if (live_) {
    view_.AddLine(line);
  } else {
    PrintLocked(line);
  }
}

}  // namespace rmq::cmctl
