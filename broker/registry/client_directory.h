// Client id -> the channels of that client.
#ifndef BROKER_REGISTRY_CLIENT_DIRECTORY_H_
#define BROKER_REGISTRY_CLIENT_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/principals.h"

namespace rmq {

// One process of a client id, as its streams tell: who opened them, and the
// incarnation (not 0) that they state. A value.
struct ClientProcess {
  uint64_t incarnation = 0;
  Principals::Number principal = Principals::kAnonymous;
};

// One client id that some channel uses. Its address is constant while it lives.
//
// There is one for each client, so its size counts: the id stands behind the
// object, in the same allocation. Nearly all clients have one channel, and that
// one stands in the object. Clients that share an id make one entry with very
// many channels, so nothing here is linear in their number.
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

  // The channels of an entry are those that are bound to this client, or have a
  // membership under its id; each is there once.
  //
  // Returns the first channel after `*place`, or the last one before it, and
  // sets `*place` to where it stands; null if there is none. A caller that
  // reads the channels in pieces may miss those that come or move meanwhile.
  ChannelRecord* Next(Place* place) const;
  ChannelRecord* Previous(Place* place) const;

  bool has_one_channel() const { return many_ == nullptr; }

  // The streams of `process` that are bound to this client, in the order of
  // their first use. The cost is linear in their number.
  absl::InlinedVector<ChannelRecord*, 1> Streams(
      const ClientProcess& process) const;
  // Whether streams of several processes are bound to this client. This and
  // what follows take the logarithm of the number of streams, at most.
  bool HasStreamsOfSeveral() const;
  // How many streams are bound with an incarnation (not 0).
  size_t incarnated_streams() const;
  // An open stream of another process of the same principal: of the greater
  // incarnations, or else of all, the one with the smallest. Null if there is
  // none among the first few that are looked at. What another principal has
  // bound to the id is nobody's duplicate: see ClientTable::Register().
  ChannelRecord* StreamOfAnother(const ClientProcess& process) const;
  // All streams of other processes of the same principal.
  std::vector<ChannelRecord*> StreamsOfOthers(
      const ClientProcess& process) const;
  // Up to `max` streams that are bound with an incarnation, those of one
  // principal together, in the order of their incarnations.
  std::vector<ChannelRecord*> IncarnatedStreams(size_t max) const;

  // The channel that stands for the client's unary calls, or null.
  ChannelRecord* stand_in() const;

  // How the client id stands in one consumer group.
  struct Presence {
    // The epoch of the group at which the id joined it.
    uint64_t joined = 0;
    // How many channels are in the group under this id.
    size_t channels = 0;
    // Of the channels that are or were among these, the one that was opened
    // last.
    ChannelId last = 0;
    // Whether a channel joined the group after one that was opened later.
    bool out_of_order = false;
  };

  // Counts a membership of `channel`, which is one of the entry's, in a
  // consumer group that it is not in under this id. `epoch`: the group's if the
  // id is new there. Returns how the id stands in the group now. O(1).
  Presence EnterGroup(const RegisteredGroup& group,
                      const ChannelRecord& channel, uint64_t epoch);
  // The counterpart: a channel that entered leaves. Called before the channel's
  // use of the entry is released.
  Presence LeaveGroup(const RegisteredGroup& group);

 private:
  friend class ClientDirectory;

  explicit ClientEntry(absl::string_view client_id);
  ~ClientEntry() = default;

  // Principal, incarnation, place.
  using ByProcess =
      absl::btree_set<std::tuple<Principals::Number, uint64_t, Place>>;

  // All channels of an entry that has more than one.
  struct Many {
    absl::btree_map<Place, ChannelRecord*> by_place;
    absl::flat_hash_map<const ChannelRecord*, Place> places;
    // The streams that are bound to the client with an incarnation.
    ByProcess by_process;
    ChannelRecord* stand_in = nullptr;
    Place last = kBeforeAll;
    // The consumer groups in which the id is.
    absl::flat_hash_map<const RegisteredGroup*, Presence> groups;
  };

  bool IsBoundStream(const ChannelRecord& channel) const;
  // Whether the only channel is a stream of another process of the principal.
  bool IsOnlyOfAnother(const ClientProcess& process) const;
  bool IsBoundStandIn(const ChannelRecord& channel) const;
  bool Has(const ChannelRecord& channel) const;
  void Add(ChannelRecord& channel);
  // Nothing if it is not there.
  void Remove(const ChannelRecord& channel);
  // Makes `many_` of a channel that is the only one.
  void BecomeMany();
  // Gives the channel the last place of `many`.
  void Append(ChannelRecord& channel);
  void Erase(const ChannelRecord& channel, Place place);
  // Enters a channel of `many` as the stream or stand-in that it is bound as.
  void NoteBinding(ChannelRecord& channel, Place place);

  // One of the two is null. Both are only while the entry is made.
  ChannelRecord* only_ = nullptr;
  std::unique_ptr<Many> many_;
  const uint32_t length_;  // Of the id, which begins behind the object.
  // Who holds the id.
  Principals::Number owner_ = Principals::kAnonymous;
};

// Invariant: an entry exists iff it has a channel.
// Not thread-safe. Channels are borrowed.
class ClientDirectory {
 public:
  // Null if no channel uses `client_id`.
  ClientEntry* Find(absl::string_view client_id) const;

  // The entry of `client_id`, with `channel` among its channels.
  ClientEntry& Use(absl::string_view client_id, ChannelRecord& channel);

  // Binds `channel`, which is among the channels of `entry`, to that client.
  // `incarnation`: 0 if the client has none.
  void Bind(ClientEntry& entry, ChannelRecord& channel, uint64_t incarnation);

  // Makes `channel`, which is one of the entry's channels, the last of them.
  void MoveToBack(ClientEntry& entry, ChannelRecord& channel);

  // Who holds the client id: empty if nobody has been said to. Valid while the
  // entry lives and has no other owner.
  absl::string_view OwnerOf(const ClientEntry& entry) const {
    return principals_.NameOf(entry.owner_);
  }
  void SetOwner(ClientEntry& entry, absl::string_view principal);
  // Whether somebody may hold a client id who is not anonymous.
  bool HasOwners() const { return principals_.size() > 0; }
  // Also for those who hold none.
  Principals& principals() { return principals_; }
  const Principals& principals() const { return principals_; }

  // Drops one use of `entry` by `channel`. If no use is left (the channel is
  // not bound to the client and has no membership under it), the channel is
  // removed from the entry, and an entry without channels is deleted.
  void Release(ClientEntry& entry, ChannelRecord& channel);

 private:
  // Entries by their id, which stands in the entry alone.
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
  // One use for each entry of who is not anonymous, and those of others.
  Principals principals_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_DIRECTORY_H_
