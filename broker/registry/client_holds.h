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

struct ClientHold {
  absl::Time until;
  // The operator's words; never null.
  std::shared_ptr<const std::string> reason;
};

// The streams of one process are held by their client id and incarnation, so
// that another process with the id is let in; a stand-in is held by its client
// id. So a caller of unary calls is asked about as both: see
// TableState::RefuseIfHeld(). At most kMost holds: the one that ends first
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

  // Holds the client of a channel of `kind` from `now` until `hold.until`;
  // nothing if that has passed. In place of an earlier hold of the same client.
  // `incarnation` is that of a stream, and does not matter for a stand-in.
  void Add(absl::string_view client_id, ChannelKind kind, uint64_t incarnation,
           const ClientHold& hold, absl::Time now);

  // The hold of the client at `now`; null if there is none. A hold has ended at
  // `until`. Valid until the next call.
  const ClientHold* Find(absl::string_view client_id, ChannelKind kind,
                         uint64_t incarnation, absl::Time now);

  // Drops holds of the client id, of whichever kind, in any order: at most
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
  // Client id; whether it is a stand-in's; incarnation.
  using Key = std::tuple<std::string, bool, uint64_t>;

  static Key KeyOf(absl::string_view client_id, ChannelKind kind,
                   uint64_t incarnation);
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
