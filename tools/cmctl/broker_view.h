// What a broker says of itself, its clients and its groups, read for a
// comparison with other brokers.
#ifndef TOOLS_CMCTL_BROKER_VIEW_H_
#define TOOLS_CMCTL_BROKER_VIEW_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// A client of a broker.
struct ClientView {
  // When its newest channel was opened.
  absl::Time opened = absl::InfinitePast();
  // "consumer group G", "producer group G".
  std::set<std::string> groups;
  // There are more.
  bool has_more_groups = false;
};

// A consumer group of a broker.
struct GroupView {
  // "CLUSTERING, CONSUME_PASSIVELY".
  std::string modes;
  // "TOPIC TYPE EXPRESSION", sorted. Statements that mean the same are the same
  // text: tags are a set, an empty type is TAG, an empty expression "*".
  std::vector<std::string> subscriptions;
  // Topics that no member states: the broker has seen that one asks for them.
  // Other brokers need not have seen that.
  std::set<std::string> inferred_topics = {};
};

struct BrokerView {
  // As the user names it.
  std::string label;
  // Why the broker, or a part of this, could not be read.
  absl::Status status;
  // Of GetBroker, if that much could be read; has_facts is false else.
  rocketmq::clientmanager::v1::GetBrokerResponse facts;
  bool has_facts = false;
  // By how much the broker's clock is before this machine's; and how wrong that
  // may be, as the answer took its time.
  absl::Duration clock_ahead;
  absl::Duration clock_error;
  // By client id.
  std::map<std::string, ClientView> clients;
  // Clients beyond the limit were not read.
  bool has_more_clients = false;
  // By name.
  std::map<std::string, GroupView> groups;
  bool has_more_groups = false;
  // When a client came or went last; InfinitePast: nobody has yet.
  absl::Time last_change = absl::InfinitePast();

  // Whether all of its clients should be there: it is read, serves, and has
  // settled.
  bool is_comparable() const;
};

struct ViewLimits {
  int64_t clients = 20'000;
  int64_t groups = 1'000;
};

// Reads all that BrokerView has, page by page. `now` tells this machine's time.
BrokerView ReadBroker(const AskedBroker& broker, const ViewLimits& limits,
                      absl::Time (*now)());

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_BROKER_VIEW_H_
