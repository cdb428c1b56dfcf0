// Client id -> the channels of that client.
#ifndef BROKER_REGISTRY_CLIENT_DIRECTORY_H_
#define BROKER_REGISTRY_CLIENT_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "broker/registry/channel_record.h"

namespace rmq {

// One client id that some channel uses. Its address is constant while it lives.
//
// There is one for each client: the id stands behind the object in the same
// allocation, and a client's only channel, as nearly all have just one, in the
// object. Clients that share an id make one entry of very many channels:
// nothing here is linear in their number.
class ClientEntry {
 public:
  // Orders the channels of an entry by their first use; MoveToBack() gives a
  // channel a new one. Valid while the entry lives.
  using Place = uint64_t;
  static constexpr Place kBeforeAll = 0;
  static constexpr Place kAfterAll = std::numeric_limits<Place>::max();

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

  // The entry has each channel that is bound to this client, or has a
  // membership under its id, once.
  //
  // The first channel after `*place`, or the last before it, and where it
  // stands. Null if there is none. A caller that reads all of them in pieces,
  // as it should under a lock, may miss those that come or move meanwhile.
  ChannelRecord* Next(Place* place) const;
  ChannelRecord* Previous(Place* place) const;

  // The streams that are bound to this client with `incarnation` (not 0), in
  // the order of first use. Costs as many as there are of that incarnation.
  absl::InlinedVector<ChannelRecord*, 1> Streams(uint64_t incarnation) const;
  // The channel that stands for the client's unary calls, or null.
  ChannelRecord* stand_in() const;

 private:
  friend class ClientDirectory;

  explicit ClientEntry(absl::string_view client_id);
  ~ClientEntry() = default;

  // Of an entry with more than one channel: all of them.
  struct Many {
    absl::btree_map<Place, ChannelRecord*> by_place;
    absl::flat_hash_map<const ChannelRecord*, Place> places;
    // Of the streams that are bound to the client with an incarnation.
    absl::btree_set<std::pair<uint64_t, Place>> by_incarnation;
    ChannelRecord* stand_in = nullptr;
    Place last = kBeforeAll;
  };

  bool IsBoundStream(const ChannelRecord& channel) const;
  bool IsBoundStandIn(const ChannelRecord& channel) const;
  bool Has(const ChannelRecord& channel) const;
  void Add(ChannelRecord& channel);
  // Nothing if it is not there.
  void Remove(const ChannelRecord& channel);
  // Gives the channel the last place of `many`.
  void Append(ChannelRecord& channel);
  void Erase(const ChannelRecord& channel, Place place);
  // Notes what a channel of `many` is bound as.
  void NoteBinding(ChannelRecord& channel, Place place);

  // One of the two is null; both, only while the entry is made.
  ChannelRecord* only_ = nullptr;
  std::unique_ptr<Many> many_;
  const size_t length_;  // Of the id, which begins behind the object.
};

// Invariant: an entry exists iff it has a channel.
// Not thread-safe. Channels are borrowed.
class ClientDirectory {
 public:
  // Null if no channel uses `client_id`.
  ClientEntry* Find(absl::string_view client_id) const;

  // The entry of `client_id`, with `channel` among its channels.
  ClientEntry& Use(absl::string_view client_id, ChannelRecord& channel);

  // Makes the client of `entry`, which `channel` uses, the one of the channel.
  // `incarnation`: 0 if the client has none.
  void Bind(ClientEntry& entry, ChannelRecord& channel, uint64_t incarnation);

  // Makes `channel` the last of the entry's channels, of which it is one.
  void MoveToBack(ClientEntry& entry, ChannelRecord& channel);

  // `channel` drops one use of `entry`. If it was the last (neither the bound
  // client nor a membership of the channel is left), the channel leaves the
  // entry, and an entry without channels goes.
  void Release(ClientEntry& entry, ChannelRecord& channel);

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
