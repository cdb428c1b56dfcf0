// How much longer the broker is settling after its start, in answers and
// pushes.
#ifndef BROKER_FRONTS_CLIENTMANAGER_SETTLING_H_
#define BROKER_FRONTS_CLIENTMANAGER_SETTLING_H_

#include "absl/time/time.h"
#include "broker/fronts/proto_time.h"

namespace rmq {

// Sets the field settling_until of `message` to the time that is left of
// settling at `now`. Leaves it absent once the broker has settled.
template <typename Message>
void FillSettling(absl::Time settled_at, absl::Time now, Message* message) {
  if (now < settled_at) {
    FillDuration(settled_at - now, message->mutable_settling_until());
  }
}

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_SETTLING_H_
