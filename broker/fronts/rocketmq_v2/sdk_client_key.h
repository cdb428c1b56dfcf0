// Who a client of RocketMQ 5's protocol is.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENT_KEY_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENT_KEY_H_

#include <utility>

#include "absl/strings/string_view.h"
#include "common/client_network.h"

namespace rmq {

// A client is its id together with the network of its address: SDKs make ids
// that repeat, and two processes with one id at two networks are two clients.
//
// A view, for keys.
struct SdkClientKey {
  absl::string_view client_id;
  ClientNetwork network = kNoIpNetwork;

  friend bool operator==(const SdkClientKey& a, const SdkClientKey& b) {
    return a.network == b.network && a.client_id == b.client_id;
  }
  template <typename H>
  friend H AbslHashValue(H state, const SdkClientKey& key) {
    return H::combine(std::move(state), key.client_id, key.network);
  }
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENT_KEY_H_
