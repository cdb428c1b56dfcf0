// Which broker answers.
#ifndef BROKER_FRONTS_CLIENTMANAGER_BROKER_IDENTITY_H_
#define BROKER_FRONTS_CLIENTMANAGER_BROKER_IDENTITY_H_

#include <cstdint>
#include <string>

namespace rmq {

// The names and numbers of a broker, in answers and in metrics. A value.
struct BrokerIdentity {
  std::string cluster = "DefaultCluster";
  std::string broker_name = "broker-a";
  // 0 is the master.
  uint64_t broker_id = 0;
  // Drawn at start, not 0.
  uint64_t incarnation = 1;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_BROKER_IDENTITY_H_
