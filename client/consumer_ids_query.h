// Asks a broker for the consumer ids of a group, page by page.
#ifndef CLIENT_CONSUMER_IDS_QUERY_H_
#define CLIENT_CONSUMER_IDS_QUERY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/consumer_ids.h"
#include "client/session/broker_stub.h"
#include "common/clock.h"

namespace rmq {

// Blocks until all pages have come, `clock` has reached `deadline`, or the
// stub's calls are cancelled. All pages are of one epoch, if the broker has
// epochs: if its list has changed too often in between (ABORTED), it is read
// anew, kMaxReadings times in all. Errors are the broker's, and those of the
// call; Internal if the broker has more pages to tell than
// GroupMembership::kMaxPages. The broker's address is left to the caller.
inline constexpr int kMaxReadings = 5;
absl::StatusOr<ConsumerIds> QueryConsumerIds(BrokerStub* stub,
                                             absl::string_view group,
                                             Clock* clock, absl::Time deadline);

}  // namespace rmq

#endif  // CLIENT_CONSUMER_IDS_QUERY_H_
