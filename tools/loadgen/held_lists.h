// The lists of client ids that a client of the load holds.
#ifndef TOOLS_LOADGEN_HELD_LISTS_H_
#define TOOLS_LOADGEN_HELD_LISTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::loadgen {

// Does what the client library does on one stream, but keeps the epochs of the
// lists alone: takes the broker's pushes, asks for a list that a push does not
// contain, and acknowledges. Not thread-safe.
class HeldLists {
 public:
  using ClientFrame = rocketmq::clientmanager::v1::ClientFrame;

  // Returns what the client says next, if anything; a request has no id yet.
  absl::optional<ClientFrame> OnPush(
      const rocketmq::clientmanager::v1::NotifyConsumerIdsChanged& push);

  // The answer to the oldest request of a list that has none yet; null: the
  // request was refused.
  absl::optional<ClientFrame> OnList(
      const rocketmq::clientmanager::v1::GetConsumerListByGroupResponse* list);

 private:
  struct Held {
    uint64_t epoch = 0;  // 0: no list.
    bool is_listing = false;
  };

  ClientFrame AcknowledgeOf(const std::string& group, uint64_t epoch) const;
  ClientFrame RequestOf(const std::string& group,
                        const std::string& page_token) const;

  absl::flat_hash_map<std::string, Held> held_;
  // The groups whose lists are asked for, in the order of the requests.
  std::vector<std::string> listing_;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_HELD_LISTS_H_
