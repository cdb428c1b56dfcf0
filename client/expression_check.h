// The check that Client::Start() makes: would a broker take the client's filter
// expressions?
#ifndef CLIENT_EXPRESSION_CHECK_H_
#define CLIENT_EXPRESSION_CHECK_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/session/broker_stub.h"
#include "common/clock.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// `status` with a message that begins with what was asked and the broker's
// address. OK stays OK.
absl::Status AnnotateCall(const absl::Status& status, absl::string_view what,
                          absl::string_view address);

// Asks one broker after the other about each expression, until one has looked
// at it: as in RocketMQ, the word of one broker counts for all. Blocks for at
// most `timeout` by `clock`; a broker that does not answer leaves the brokers
// behind it their share of the time.
//
// OK if every expression was accepted, also if there is none. If a broker
// refused any, one status of the first refusal's code names each group and
// topic with the broker's words. Unavailable if `brokers` is empty; else, if no
// broker could be asked, the error of the last one. Cancelled ends the search.
//
// Thread-safe.
// Reference: MQClientInstance#checkClientInBroker.
absl::Status CheckExpressions(
    const std::vector<rocketmq::clientmanager::v1::CheckClientConfigRequest>&
        checks,
    const std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>>&
        brokers,
    Clock* clock, absl::Duration timeout);

}  // namespace rmq

#endif  // CLIENT_EXPRESSION_CHECK_H_
