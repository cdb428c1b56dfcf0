// Client id -> the channels of that client.
#ifndef BROKER_REGISTRY_CLIENT_DIRECTORY_H_
#define BROKER_REGISTRY_CLIENT_DIRECTORY_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"

namespace rmq {

// One client id that some channel uses. Its address is constant while it lives.
//
// There is one for each client: the id stands behind the object in the same
// allocation, and the first channel, mostly the only one, in the object.
class ClientEntry {
 public:
  struct Deleter {
    void operator()(ClientEntry* entry) const;
  };
  using Ptr = std::unique_ptr<ClientEntry, Deleter>;

  static Ptr New(absl::string_view client_id);
  ClientEntry(const ClientEntry&) = delete;
  ClientEntry& operator=(const ClientEntry&) = delete;

  // Lives as long as the entry.
  absl::string_view client_id() const {
    return {reinterpret_cast<const char*>(this + 1), length_};
  }

  // Each channel that is bound to this client or has a membership under its id,
  // once, in the order of first use; MoveToBack() changes it.
  absl::InlinedVector<ClientChannel*, 4> channels() const;
  // The one of them that stands for the client's unary calls, or null.
  ClientChannel* stand_in() const;

 private:
  friend class ClientDirectory;

  explicit ClientEntry(absl::string_view client_id);
  ~ClientEntry() = default;

  bool Has(const ClientChannel& channel) const;
  void Add(ClientChannel& channel);
  // Nothing if it is not there.
  void Remove(const ClientChannel& channel);

  ClientChannel* first_ = nullptr;
  // Null if there are none: never empty.
  std::unique_ptr<std::vector<ClientChannel*>> more_;
  const size_t length_;  // Of the id, which begins behind the object.
};

// Invariant: an entry exists iff it has a channel.
// Not thread-safe. Channels are borrowed.
class ClientDirectory {
 public:
  // Null if no channel uses `client_id`.
  ClientEntry* Find(absl::string_view client_id) const;

  // The entry of `client_id`, with `channel` among its channels.
  ClientEntry& Use(absl::string_view client_id, ClientChannel& channel);

  // Makes `channel` the last of the entry's channels, of which it is one.
  void MoveToBack(ClientEntry& entry, ClientChannel& channel);

  // `channel` drops one use of `entry`. If it was the last (neither the bound
  // client nor a membership of the channel is left), the channel leaves the
  // entry, and an entry without channels goes.
  void Release(ClientEntry& entry, ClientChannel& channel);

 private:
  // Entries by their id, which is kept once.
  struct Hash {
    using is_transparent = void;
    size_t operator()(absl::string_view client_id) const {
      return absl::Hash<absl::string_view>()(client_id);
    }
    size_t operator()(const ClientEntry::Ptr& entry) const {
      return (*this)(entry->client_id());
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const ClientEntry::Ptr& a, absl::string_view b) const {
      return a->client_id() == b;
    }
    bool operator()(const ClientEntry::Ptr& a,
                    const ClientEntry::Ptr& b) const {
      return a->client_id() == b->client_id();
    }
  };

  absl::flat_hash_set<ClientEntry::Ptr, Hash, Equal> entries_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_DIRECTORY_H_
