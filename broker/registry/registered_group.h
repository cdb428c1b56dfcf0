// What producer groups and consumer groups have in common: a name and members.
#ifndef BROKER_REGISTRY_REGISTERED_GROUP_H_
#define BROKER_REGISTRY_REGISTERED_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"

namespace rmq {

// Invariant, outside of a call of its registry: it has at least one member, and
// each member has exactly one Membership that points back.
struct RegisteredGroup {
  RegisteredGroup(GroupKind kind, absl::string_view name)
      : kind(kind), name(name) {}

  const GroupKind kind;
  const std::string name;
  // By Membership::joined, that is in the order of joining. A member keeps its
  // place while others come and go, so the members can be read in pieces.
  absl::btree_map<uint64_t, ClientChannel*> members;
};

// Which call changes a registry, and for whom.
struct Registrant {
  ClientChannel& channel;
  // The client id of the call, which `channel` uses already.
  ClientEntry& client;
  LanguageCode language;
  int32_t version;
  uint64_t revision;
};

// The group tables' common part: groups by name, and their members' records.
// `G` is a RegisteredGroup with a constructor of its name. Not thread-safe.
template <typename G>
class GroupTable {
 public:
  G* Find(absl::string_view name) const {
    const auto found = groups_.find(name);
    return found == groups_.end() ? nullptr : found->second.get();
  }

  G& FindOrCreate(absl::string_view name) {
    if (G* found = Find(name)) return *found;
    auto owned = std::make_unique<G>(name);
    G& group = *owned;
    groups_.emplace(group.name, std::move(owned));
    names_.insert(group.name);
    return group;
  }

  void Erase(G& group) {
    // A copy: the keys die with the group.
    const std::string name = group.name;
    names_.erase(name);
    groups_.erase(name);
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
  // Keys of both are the groups' own names.
  absl::flat_hash_map<absl::string_view, std::unique_ptr<G>> groups_;
  absl::btree_set<absl::string_view> names_;
};

// Joins and leaves, the same for both kinds: keeps a group's members and its
// channels' memberships in agreement.
class GroupMembers {
 public:
  // The membership of `channel` in `group`, or null. `hint` is where the search
  // begins and is left behind the find, so that finding a channel's groups in
  // their own order is O(1) each.
  static Membership* Find(ClientChannel& channel, const RegisteredGroup& group,
                          size_t* hint);

  // Makes `who.channel` a member under `who.client`. It must not be one yet.
  static void Join(RegisteredGroup& group, const Registrant& who,
                   uint64_t joined);

  // Takes `membership`, one of `channel`'s, out of its group.
  static void Leave(ClientChannel& channel, Membership& membership,
                    ClientDirectory& clients);
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_REGISTERED_GROUP_H_
