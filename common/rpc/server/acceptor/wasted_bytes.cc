#include "common/rpc/server/acceptor/wasted_bytes.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace rmq {
namespace {

// Looks are less far apart than this, unless the clock jumps.
constexpr absl::Duration kLongestRefill = absl::Minutes(1);

// The calls whose first message has not come yet.
int64_t WaitingCalls(const Connection::Counts& counts) {
  // The counts are not all of one time.
  return std::max<int64_t>(
      0, static_cast<int64_t>(counts.calls - counts.calls_with_message -
                              counts.wasted_calls));
}

// The open calls of all that have a message.
int64_t CallsWithMessage(const std::vector<ConnectionPtr>& open) {
  int64_t calls = 0;
  for (const ConnectionPtr& connection : open) {
    const Connection::Counts counts = connection->counts();
    calls += std::max<int64_t>(0, counts.open_calls - WaitingCalls(counts));
  }
  return calls;
}

}  // namespace

WastedBytes::Found WastedBytes::Look(
    const std::vector<ConnectionPtr>& open, absl::Time now, int64_t memory,
    absl::Duration stuck,
    const std::function<bool(const Connection&)>& is_suspect) {
  const absl::Duration passed =
      last_look_ == absl::InfinitePast() || stuck >= kStalled
          ? absl::ZeroDuration()
          : std::clamp(now - last_look_, absl::ZeroDuration(), kLongestRefill);
  last_look_ = now;
  Found found;
  if (max_rate_ == 0) return found;
  const int64_t credit = max_message_bytes_ + kBytesBurst * max_rate_;
  const int64_t calls_with_message = CallsWithMessage(open);
  most_calls_with_message_ =
      std::max(most_calls_with_message_, calls_with_message);
  const int64_t steps = StepsGrown(memory);
  uint64_t wasted_calls = 0;
  if (steps == 1) {
    for (const ConnectionPtr& connection : open) {
      wasted_calls += connection->counts().wasted_calls -
                      connection->wasted_bytes_.calm_wasted_calls;
    }
  }
  const bool spares_unread_calls =
      steps == 1 && wasted_calls < kManyWastedCalls;
  int64_t since_calm = 0;
  int64_t most_counted = kFewestBytesWhenTight - 1;
  std::vector<Waste> wastes;
  for (const ConnectionPtr& connection : open) {
    const Connection::Counts counts = connection->counts();
    Connection::WastedBytesState& state = connection->wasted_bytes_;
    Count(counts, passed, &state);
    const int64_t of_messages =
        kBytesOfACallWhenTight *
        (static_cast<int64_t>(counts.messages - state.calm_messages) -
         static_cast<int64_t>(counts.wasted_calls - state.calm_wasted_calls));
    const int64_t of_calls =
        of_messages + kBytesOfACallWhenTight * WaitingCalls(counts);
    const int64_t grown = state.counted - state.calm_counted;
    const int64_t unexplained =
        grown - std::max<int64_t>(0, spares_unread_calls
                                         ? of_calls + kBytesOfUnknownCalls
                                         : of_messages);
    since_calm += std::max<int64_t>(0, grown);
    if (state.counted > most_counted && !connection->is_ended()) {
      found.stuck = connection;
      most_counted = state.counted;
    }
    if (state.counted > credit ||
        (state.counted >
             kBytesWhenTight +
                 std::clamp<int64_t>(of_calls, 0, kBytesOfUnknownCalls) &&
         is_suspect(*connection))) {
      found.wasteful.push_back(connection);
    } else if (unexplained >= kFewestBytesWhenTight) {
      wastes.emplace_back(unexplained, connection);
    }
  }
  if (steps >= 1) {
    AddWorst(std::move(wastes),
             std::max(kFewestBytesWhenTight,
                      kBytesWhenTight >> std::min<int64_t>(steps - 1, 32)),
             &found);
  }
  if (stuck < kStuck) found.stuck = nullptr;
  const bool is_calm = since_calm <= kBytesWhenTight && stuck < kStalled;
  if (now - last_calm_ < kLookPeriod ||
      (calm_memory_.has_value() && !is_calm)) {
    found.is_urgent = !is_calm;
    return found;
  }
  last_calm_ = now;
  calm_memory_ = memory;
  calm_calls_with_message_ = calls_with_message;
  most_calls_with_message_ = calls_with_message;
  for (const ConnectionPtr& connection : open) {
    Connection::WastedBytesState& state = connection->wasted_bytes_;
    state.calm_counted = state.counted;
    const Connection::Counts counts = connection->counts();
    state.calm_messages = counts.messages;
    state.calm_wasted_calls = counts.wasted_calls;
  }
  return found;
}

void WastedBytes::Count(const Connection::Counts& counts, absl::Duration passed,
                        Connection::WastedBytesState* state) const {
  const int64_t wasted =
      static_cast<int64_t>(counts.bytes) -
      static_cast<int64_t>(counts.message_bytes) -
      static_cast<int64_t>(counts.messages) * kBytesAroundAMessage -
      static_cast<int64_t>(counts.calls_with_message) * kBytesOfHeaders;
  const auto refill = [this](absl::Duration time) {
    return static_cast<int64_t>(absl::ToDoubleSeconds(time) *
                                static_cast<double>(max_rate_));
  };
  // What is new is taken to have come within the last kLookPeriod: a flood that
  // begins between two looks that are far apart has no credit of the quiet
  // time.
  const absl::Duration before =
      std::max(passed - kLookPeriod, absl::ZeroDuration());
  state->counted = std::max<int64_t>(0, state->counted - refill(before));
  // A message that has come at last, after its bytes, gives back their credit.
  state->counted = std::max<int64_t>(
      0, state->counted + wasted - state->wasted - refill(passed - before));
  state->wasted = wasted;
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

int64_t WastedBytes::StepsGrown(int64_t memory) const {
  const int64_t of_calls =
      kMemoryOfACall * (most_calls_with_message_ - calm_calls_with_message_);
  return (memory - calm_memory_.value_or(memory) - of_calls) / kMemoryStep;
}

}  // namespace rmq
