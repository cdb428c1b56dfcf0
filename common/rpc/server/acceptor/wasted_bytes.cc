#include "common/rpc/server/acceptor/wasted_bytes.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace rmq {

WastedBytes::Found WastedBytes::Look(
    const std::vector<ConnectionPtr>& open, absl::Time now, int64_t memory,
    absl::Duration stuck,
    const std::function<bool(const Connection&)>& is_suspect) {
  const absl::Duration passed =
      last_look_ == absl::InfinitePast() || stuck >= kStalled
          ? absl::ZeroDuration()
          : std::clamp(now - last_look_, absl::ZeroDuration(), kLookPeriod);
  last_look_ = now;
  Found found;
  if (max_rate_ == 0) return found;
  const int64_t credit = max_message_bytes_ + kBytesBurst * max_rate_;
  int64_t since_calm = 0;
  int64_t most_counted = kFewestBytesWhenTight - 1;
  std::vector<Waste> wastes;
  for (const ConnectionPtr& connection : open) {
    Count(*connection, passed);
    const Connection::WastedBytesState& state = connection->wasted_bytes_;
    const int64_t spared = kBytesOfAMessageWhenTight *
                           static_cast<int64_t>(connection->counts().messages -
                                                state.calm_messages);
    const int64_t grown = state.counted - state.calm_counted;
    since_calm += std::max<int64_t>(0, grown);
    if (state.counted > most_counted && !connection->is_ended()) {
      found.stuck = connection;
      most_counted = state.counted;
    }
    if (state.counted > credit ||
        (state.counted > kBytesWhenTight + spared && is_suspect(*connection))) {
      found.wasteful.push_back(connection);
    } else if (grown - spared >= kFewestBytesWhenTight) {
      wastes.emplace_back(grown - spared, connection);
    }
  }
  const absl::optional<int64_t> allowed = AllowedWhenTight(memory);
  if (allowed.has_value()) AddWorst(std::move(wastes), *allowed, &found);
  if (stuck < kStuck) found.stuck = nullptr;
  const bool is_calm = since_calm <= kBytesWhenTight && stuck < kStalled;
  if (now - last_calm_ < kLookPeriod ||
      (calm_memory_.has_value() && !is_calm)) {
    found.is_urgent = !is_calm;
    return found;
  }
  last_calm_ = now;
  calm_memory_ = memory;
  for (const ConnectionPtr& connection : open) {
    Connection::WastedBytesState& state = connection->wasted_bytes_;
    state.calm_counted = state.counted;
    state.calm_messages = connection->counts().messages;
  }
  return found;
}

void WastedBytes::Count(Connection& connection, absl::Duration passed) const {
  const Connection::Counts counts = connection.counts();
  const int64_t wasted =
      static_cast<int64_t>(counts.bytes) -
      static_cast<int64_t>(counts.message_bytes) -
      static_cast<int64_t>(counts.messages) * kBytesAroundAMessage;
  const auto refilled = static_cast<int64_t>(absl::ToDoubleSeconds(passed) *
                                             static_cast<double>(max_rate_));
  Connection::WastedBytesState& state = connection.wasted_bytes_;
  // A message that has come at last, after its bytes, gives back their credit.
  state.counted =
      std::max<int64_t>(0, state.counted + wasted - state.wasted - refilled);
  state.wasted = wasted;
}

void WastedBytes::AddWorst(std::vector<Waste> wastes, int64_t allowed,
                           Found* found) {
  std::sort(wastes.begin(), wastes.end());
  int64_t wasted = 0;
  for (const auto& [bytes, connection] : wastes) {
    wasted += bytes;
    if (wasted > allowed) found->wasteful.push_back(connection);
  }
}

absl::optional<int64_t> WastedBytes::AllowedWhenTight(int64_t memory) const {
  const int64_t steps = (memory - calm_memory_.value_or(memory)) / kMemoryStep;
  if (steps < 1) return absl::nullopt;
  return std::max(kFewestBytesWhenTight,
                  kBytesWhenTight >> std::min<int64_t>(steps - 1, 32));
}

}  // namespace rmq
