// What producer groups and consumer groups have in common: a name and members.
#ifndef BROKER_REGISTRY_REGISTERED_GROUP_H_
#define BROKER_REGISTRY_REGISTERED_GROUP_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/member_statement.h"

namespace rmq {

// Channels by their ids: in the order of opening.
struct ByChannelId {
  using is_transparent = void;
  bool operator()(const ChannelRecord* a, const ChannelRecord* b) const {
    return a->id < b->id;
  }
  bool operator()(const ChannelRecord* a, ChannelId b) const {
    return a->id < b;
  }
  bool operator()(ChannelId a, const ChannelRecord* b) const {
    return a < b->id;
  }
};

// Invariants, outside of a call of its registry: the group has at least one
// member, and each member has exactly one Membership that points back.
struct RegisteredGroup {
  RegisteredGroup(GroupKind kind, absl::string_view name)
      : kind(kind), name(name) {}

  const GroupKind kind;
  const std::string name;
  // A member keeps its place while others join and leave, so the members can be
  // read in pieces.
  absl::btree_set<ChannelRecord*, ByChannelId> members;
};

// The channel that a full heartbeat registers, and the heartbeat.
struct Registrant {
  ChannelRecord& channel;
  // The client of the heartbeat. `channel` is among its channels already.
  ClientEntry& client;
  LanguageCode language;
  int32_t version;
  // The number of the heartbeat: the later, the greater.
  uint64_t number;
  // The client's older streams, which `channel` replaces. They are closed.
  absl::Span<ChannelRecord* const> replaced;
};

// Groups by name. `G` is derived from RegisteredGroup and is constructible from
// its name. Not thread-safe.
template <typename G>
class GroupTable {
 public:
  G* Find(absl::string_view name) const {
    const auto found = groups_.find(name);
    return found == groups_.end() ? nullptr : found->get();
  }

  G& FindOrCreate(absl::string_view name) {
    if (G* found = Find(name)) return *found;
    G& group = **groups_.insert(std::make_unique<G>(name)).first;
    names_.insert(group.name);
    return group;
  }

  void Erase(G& group) {
    names_.erase(group.name);
    groups_.erase(groups_.find(group.name));
  }

  // Calls `visit(const G&)` for the groups after `after`, in the order of their
  // names, until it returns false.
  template <typename Visit>
  void VisitAfter(absl::string_view after, Visit visit) const {
    for (auto name = names_.upper_bound(after); name != names_.end(); ++name) {
      if (!visit(*Find(*name))) return;
    }
  }

  size_t size() const { return groups_.size(); }

 private:
  static absl::string_view NameOf(absl::string_view name) { return name; }
  static absl::string_view NameOf(const std::unique_ptr<G>& group) {
    return group->name;
  }
  struct Hash {
    using is_transparent = void;
    template <typename T>
    size_t operator()(const T& group) const {
      return absl::Hash<absl::string_view>()(NameOf(group));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <typename T, typename U>
    bool operator()(const T& a, const U& b) const {
      return NameOf(a) == NameOf(b);
    }
  };

  // By name. Names are the groups' own.
  absl::flat_hash_set<std::unique_ptr<G>, Hash, Equal> groups_;
  absl::btree_set<absl::string_view> names_;
};

// Joining and leaving, for both kinds of groups: keeps the members of a group
// and the memberships of its channels in agreement.
class GroupMembers {
 public:
  // The membership of `channel` in `group`, or null. The search begins at
  // `*hint`, which is then set behind the membership that was found: so finding
  // a channel's groups in their own order costs O(1) each.
  static Membership* Find(ChannelRecord& channel, const RegisteredGroup& group,
                          size_t* hint);

  // Makes `who.channel` a member under `who.client`. It must not be one yet. In
  // a consumer group the caller counts the membership: see
  // ClientEntry::EnterGroup().
  static Membership& Join(RegisteredGroup& group, const Registrant& who);

  // Sets the client under which the channel is in the group of `membership`.
  // The caller releases the entry of the client before.
  static void SetClient(ChannelRecord& channel, Membership& membership,
                        ClientEntry& client);

  // Removes `membership`, which is one of `channel`'s. Returns what it stated.
  static MemberStatement Leave(ChannelRecord& channel, Membership& membership,
                               ClientDirectory& clients);
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_REGISTERED_GROUP_H_
