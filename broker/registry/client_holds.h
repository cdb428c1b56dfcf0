// The clients that an operator has taken out, and that are kept out for a
// while.
#ifndef BROKER_REGISTRY_CLIENT_HOLDS_H_
#define BROKER_REGISTRY_CLIENT_HOLDS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/channel_record.h"

namespace rmq {

// Who is held. Views, valid for the call.
struct HeldClient {
  absl::string_view client_id;
  ChannelKind kind;
  // That of a stream; does not matter for a stand-in.
  uint64_t incarnation;
  // Who opened the channel; empty: anonymous.
  absl::string_view principal = {};
};

struct ClientHold {
  absl::Time until;
  // The operator's words; never null.
  std::shared_ptr<const std::string> reason;
};

// The streams of one process are held by their client id, incarnation and
// principal, so that another process with the id is let in; a stand-in is held
// by its client id and principal. Who tried an id in vain does not keep its
// holder out when it is kicked. A caller of unary calls is asked about as both:
// see TableState::RefuseIfHeld(). At most kMost holds: the one that ends first
// makes room for another. Holds that have ended are dropped as others come and
// are asked for.
//
// Not thread-safe.
class ClientHolds {
 public:
  static constexpr size_t kMost = 100'000;

  explicit ClientHolds(size_t most = kMost) : most_(most) {}
  ClientHolds(const ClientHolds&) = delete;
  ClientHolds& operator=(const ClientHolds&) = delete;

  // Holds the client from `now` until `hold.until`; nothing if that has passed.
  // In place of an earlier hold of the same client.
  void Add(const HeldClient& client, const ClientHold& hold, absl::Time now);

  // The hold of the client at `now`; null if there is none. A hold has ended at
  // `until`. Valid until the next call.
  const ClientHold* Find(const HeldClient& client, absl::Time now);

  // Drops holds of the client id, of whichever kind and principal: at most
  // `max`; of any client if the id is empty. Returns how many had not ended at
  // `now`. `*more`: there may be more.
  size_t Release(absl::string_view client_id, size_t max, absl::Time now,
                 bool* more);

  // Drops holds that have ended: at most `max`.
  void DropEnded(absl::Time now, int max);

  bool empty() const { return holds_.empty(); }
  // Those included that have ended and were not dropped yet.
  size_t size() const { return holds_.size(); }

 private:
  // Client id; whether it is a stand-in's; incarnation; principal.
  using Key = std::tuple<std::string, bool, uint64_t, std::string>;

  static Key KeyOf(const HeldClient& client);
  using Holds = std::map<Key, ClientHold>;

  void Drop(Holds::iterator hold);
  void DropFirst();

  const size_t most_;
  // Ordered, so that those of a client id stand together.
  Holds holds_;
  // By their end. Keys are those of holds_.
  absl::btree_set<std::pair<absl::Time, const Key*>> by_end_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_HOLDS_H_
