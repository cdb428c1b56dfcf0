// Client id -> the channels of that client.
#ifndef BROKER_REGISTRY_CLIENT_DIRECTORY_H_
#define BROKER_REGISTRY_CLIENT_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"

namespace rmq {

// One client id that some channel uses. Its address is constant while it lives.
struct ClientEntry {
  explicit ClientEntry(absl::string_view id) : client_id(id) {}

  const std::string client_id;
  // Each channel that is bound to this client or has a membership under its id,
  // once, in the order of first use.
  absl::InlinedVector<ClientChannel*, 1> channels;
  // The one of `channels` that stands for the client's unary calls, or null.
  ClientChannel* stand_in = nullptr;
};

// Invariant: an entry exists iff it has a channel.
// Not thread-safe. Channels are borrowed.
class ClientDirectory {
 public:
  // Null if no channel uses `client_id`.
  ClientEntry* Find(absl::string_view client_id) const;

  // The entry of `client_id`, with `channel` among its channels.
  ClientEntry& Use(absl::string_view client_id, ClientChannel& channel);

  // `channel` drops one use of `entry`. If it was the last (neither the bound
  // client nor a membership of the channel is left), the channel leaves the
  // entry, and an entry without channels goes.
  void Release(ClientEntry& entry, ClientChannel& channel);

 private:
  // Keys are the entries' own ids.
  absl::flat_hash_map<absl::string_view, std::unique_ptr<ClientEntry>> entries_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_DIRECTORY_H_
