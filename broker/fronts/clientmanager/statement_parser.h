// From the message of a full heartbeat to the core's struct: checks form and
// limits, applies no policy.
#ifndef BROKER_FRONTS_CLIENTMANAGER_STATEMENT_PARSER_H_
#define BROKER_FRONTS_CLIENTMANAGER_STATEMENT_PARSER_H_

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/registry/labels.h"
#include "broker/registry/statement.h"
#include "common/validation.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// A full heartbeat as the core takes it: views into the request and into this
// object, which is filled once and does not move.
class ParsedStatement {
 public:
  ParsedStatement() = default;
  ParsedStatement(const ParsedStatement&) = delete;
  ParsedStatement& operator=(const ParsedStatement&) = delete;

  // Checks the form and limits of all but the client id, and fills
  // `statement()`. An error names field, value and rule.
  absl::Status Parse(const pb::HeartbeatRequest& request, const Limits& limits);

  const HeartbeatStatement& statement() const { return statement_; }

  // The client may not be in the consumer group that stands at `index`.
  void RefuseConsumer(int index, std::string why) {
    consumers_[static_cast<size_t>(index)].refusal =
        refusals_.emplace_back(std::move(why));
  }

 private:
  absl::Status ParseConsumer(const pb::ConsumerData& consumer, int index,
                             const Limits& limits);

  absl::Status ParseLabels(const pb::HeartbeatRequest& request);

  HeartbeatStatement statement_;
  absl::InlinedVector<StatedLabel, 4> labels_;
  absl::InlinedVector<absl::string_view, 4> producer_groups_;
  absl::InlinedVector<ConsumerStatement, 4> consumers_;
  absl::InlinedVector<SubscriptionStatement, 8> subscriptions_;
  // They do not move: `consumers_` have views of them.
  std::deque<std::string> refusals_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_STATEMENT_PARSER_H_
