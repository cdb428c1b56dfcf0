#include "client/watch/membership_replay.h"

namespace rmq {

void MembershipReplay::BeginSnapshot() {
  coming_ = {};
  in_snapshot_ = true;
}

void MembershipReplay::EndSnapshot() {
  held_ = std::exchange(coming_, {});
  in_snapshot_ = false;
}

bool MembershipReplay::Add(WatchedMember member) {
  List& list = current();
  auto& members = list.groups[Key(member.is_producer, member.group)];
  const uint64_t channel_id = member.channel_id;
  const bool is_new =
      members.insert_or_assign(channel_id, std::move(member)).second;
  if (is_new) ++list.size;
  return list.size <= max_members_;
}

bool MembershipReplay::Apply(const WatchedEvent& event) {
  if (event.type == WatchedEvent::Type::kClientRegister) {
    return Add(event.member);
  }
  if (event.type != WatchedEvent::Type::kClientUnregister) return true;
  List& list = current();
  const auto group =
      list.groups.find(Key(event.member.is_producer, event.member.group));
  if (group == list.groups.end()) return true;
  list.size -= group->second.erase(event.member.channel_id);
  if (group->second.empty()) list.groups.erase(group);
  return true;
}

std::vector<WatchedMember> MembershipReplay::MembersOf(absl::string_view group,
                                                       bool is_producer) const {
  std::vector<WatchedMember> members;
  const auto found = held_.groups.find(Key(is_producer, std::string(group)));
  if (found == held_.groups.end()) return members;
  members.reserve(found->second.size());
  for (const auto& [channel_id, member] : found->second) {
    members.push_back(member);
  }
  return members;
}

std::vector<WatchedGroup> MembershipReplay::Groups() const {
  std::vector<WatchedGroup> groups;
  groups.reserve(held_.groups.size());
  for (const auto& [key, members] : held_.groups) {
    groups.push_back({key.second, key.first, members.size()});
  }
  return groups;
}

}  // namespace rmq
