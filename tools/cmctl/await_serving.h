// Waits for a broker that was drained to serve again.
#ifndef TOOLS_CMCTL_AWAIT_SERVING_H_
#define TOOLS_CMCTL_AWAIT_SERVING_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/broker_resolver.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/drain_printer.h"

namespace rmq::cmctl {

// Calls `look` each second until it has seen enough. Whether it has: false if
// the user has, or `end` has come.
bool LookUntil(const Screen& screen, absl::Time end,
               const std::function<bool()>& look);

// Asks a broker how it is.
absl::StatusOr<rocketmq::clientmanager::v1::GetBrokerResponse> FactsOf(
    const Ask& ask);

// A broker that is not found for so long after its drain is given up.
inline constexpr absl::Duration kLongestAbsence = absl::Hours(1);

// Waits until the broker serves, has settled, and is in etcd if it registers
// there, and says what keeps it from that. `drained` is what it was before its
// drain. It is looked for at its address, and where `source`, unless that is
// null, lists its name and id by now.
//
// DeadlineExceeded if `end` has come, or the user has seen enough; Unavailable
// after kLongestAbsence. The message says what keeps the broker.
absl::Status AwaitServing(
    const FollowedBroker& broker,
    const rocketmq::clientmanager::v1::GetBrokerResponse& drained,
    BrokerResolver* source, absl::Time end, const Screen& screen,
    DrainPrinter* printer);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_AWAIT_SERVING_H_
