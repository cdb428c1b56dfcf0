// The drains of a simulated day: an operator has the clients told to go, and
// lets them in again.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/housekeeping/drain.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_event.h"
#include "tests/simulation/day.h"
#include "tests/simulation/day_client.h"

namespace rmq {

void Day::BeginDrain(Millis duration) {
  ++drains_;
  is_draining_ = true;
  core_.core.drain().Begin(absl::Milliseconds(duration), Now());
  At(now_, Kind::kDrainRun);
}

void Day::RunDrain() {
  if (!is_draining_) return;
  rmq::Drain& drain = core_.core.drain();
  const size_t before = drain.progress().closed;
  drain.Run(Now());
  model_.CloseFirst(drain.progress().closed - before, RemovalReason::kDrained,
                    departures_);
  Settle("a drain");
  const Millis due = absl::ToInt64Milliseconds(
      absl::Ceil(drain.NextDue() - start_, absl::Milliseconds(1)));
  At(std::max(due, now_ + 1), Kind::kDrainRun);
}

void Day::CancelDrain() {
  if (!core_.core.drain().Cancel(Now())) Fail("a drain is not cancelled");
  is_draining_ = false;
  // What has changed meanwhile is pushed now, once.
  Settle("the end of a drain", Pushes::kThoseOfADrain);
  for (int client = 0; client < options_.clients; ++client) {
    CompareWhatClientsKnow(client);
  }
}

bool Day::TurnsAway(const Timer& timer) {
  if (!is_draining_) return false;
  switch (timer.kind) {
    case Kind::kHeartbeat:
    case Kind::kWake:
    case Kind::kRestate:
    case Kind::kTakeBack: {
      // A stream that is there goes on until its turn.
      const DayClient& client = clients_[timer.subject];
      if (!client.unary && client.channel >= 0 &&
          model_.channels()[client.channel].open) {
        return false;
      }
      break;
    }
    case Kind::kReturn:
    case Kind::kReconnect:
    case Kind::kAct:
    case Kind::kCanary:
    case Kind::kStranger:
    case Kind::kCheckpoint: break;
    default: return false;
  }
  const absl::optional<ChannelEnd> away = core_.core.drain().TurnAway(Now());
  if (!away.has_value() || away->retry_after <= absl::ZeroDuration()) {
    Fail("a client is let in while the broker drains");
    return false;
  }
  ++turned_away_;
  At(now_ + absl::ToInt64Milliseconds(
                absl::Ceil(away->retry_after, absl::Milliseconds(1))),
     timer.kind, timer.subject, timer.generation);
  return true;
}

}  // namespace rmq
