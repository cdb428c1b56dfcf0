// The answer to Client::GetConsumerIds().
#ifndef CLIENT_CONSUMER_IDS_H_
#define CLIENT_CONSUMER_IDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/broker_entry.h"

namespace rmq {

// The consumer ids of a group at one broker.
struct ConsumerIds {
  BrokerEntry broker;  // The name and id are those that it gives itself.
  // In the order in which the streams were opened. The id of a client with two
  // streams to the broker occurs twice.
  std::vector<std::string> client_ids;
  // How much longer the broker is settling after its start. Until then members
  // that have not come back yet may be missing here, so wait before you take
  // over work. When the time is over, ClientOptions::on_consumer_ids_changed is
  // called for each consumer group that the broker has accepted. Zero: the
  // broker has settled, or its version does not say.
  absl::Duration settling = absl::ZeroDuration();
  // The group's epoch whose list this is; 0: the broker has no epochs.
  uint64_t epoch = 0;
};

}  // namespace rmq

#endif  // CLIENT_CONSUMER_IDS_H_
