#include "tests/simulation/network/crowd.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "common/member_change.h"
#include "tests/simulation/network/schedule.h"

namespace rmq::network {

class Crowd::Member : public ClientChannel,
                      public std::enable_shared_from_this<Member> {
 public:
  Member(Crowd* crowd, std::string client_id, int group, uint64_t incarnation)
      : ClientChannel(Kind::kStream),
        client_id(std::move(client_id)),
        group(group),
        incarnation(incarnation),
        crowd_(*crowd) {}

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void End(const ChannelEnd&) override {}
  bool writable() const override { return true; }
  absl::string_view remote_address() const override { return "192.0.2.9:1"; }

  // The broker has answered its full heartbeat.
  virtual void OnAccepted(uint64_t epoch) = 0;
  // Comes instead of `lost`, of the same process.
  virtual void TakeOver(const Member& /*lost*/) {}
  // Whether it knows the list of the group's latest epoch.
  virtual std::string WhatItMissed() const = 0;

  std::string group_name() const { return GroupName(group); }

  const std::string client_id;
  const int group;
  const uint64_t incarnation;  // 0: replaces nothing.
  bool is_silent = false;

 protected:
  const Environment& environment() const { return crowd_.environment_; }
  ClientManageProcessor& processor() const {
    return environment().core->processor();
  }
  absl::Time now() const { return environment().process->Now(); }
  Random& random() const { return crowd_.random_; }
  // Runs `act` after the time that a frame takes; not once it is closed.
  template <typename Act>
  void Later(Act act) {
    environment().process->RunAt(
        now() + absl::Milliseconds(random().Below(200)),
        [self = shared_from_this(), this, act] {
          if (!closed()) act();
        });
  }

 private:
  Crowd& crowd_;
};

class Crowd::OldMember final : public Member {
 public:
  using Member::Member;

  void Push(std::shared_ptr<const MembershipPush> push) override {
    known_epoch_ = std::max(known_epoch_, push->epoch);
  }
  void OnAccepted(uint64_t epoch) override {
    known_epoch_ = std::max(known_epoch_, epoch);
  }
  std::string WhatItMissed() const override {
    const uint64_t epoch = environment().lists->EpochOf(group_name());
    if (known_epoch_ == epoch) return "";
    return absl::StrCat("old ", client_id, " in ", group_name(),
                        " was pushed epoch ", known_epoch_, ", and not ",
                        epoch);
  }

 private:
  uint64_t known_epoch_ = 0;
};

class Crowd::StrictMember final : public Member {
 public:
  using Member::Member;

  // One push waits, as in a broker's outbox.
  void Push(std::shared_ptr<const MembershipPush> push) override {
    if (waiting_ != nullptr) {
      if (!push->is_bare()) waiting_ = std::move(push);
      return;
    }
    waiting_ = std::move(push);
    Later([this] { Read(*std::exchange(waiting_, nullptr)); });
  }
  void OnAccepted(uint64_t epoch) override {
    if (epoch == 0) Wrong("joins without an epoch");
    if (!listed_at_first_) joined_ = epoch;
    if (held_epoch_ != 0) {
      Acknowledge();
    } else if (listed_at_first_) {
      List();
    }
  }
  void TakeOver(const Member& lost) override {
    const auto& before = static_cast<const StrictMember&>(lost);
    held_epoch_ = before.held_epoch_;
    held_ = before.held_;
    listed_at_first_ = true;
  }
  // Nobody pushes the list to a client whose id is there already.
  void ListAtFirst() { listed_at_first_ = true; }
  std::string WhatItMissed() const override {
    const uint64_t epoch = environment().lists->EpochOf(group_name());
    if (held_epoch_ == epoch) return "";
    return absl::StrCat("strict ", client_id, " in ", group_name(),
                        " holds epoch ", held_epoch_, ", and not ", epoch);
  }

 private:
  // By the rules of NotifyConsumerIdsChanged.
  void Read(const MembershipPush& push) {
    if (push.epoch < joined_) Wrong("is pushed a list of before it joined");
    // What it has acknowledged before is told again at the next heartbeat.
    loses_ = acknowledged_ != 0 && !loses_ && random().Percent(15);
    if (loses_) return;
    if (push.epoch <= held_epoch_) {
      // It knows that.
    } else if (push.complete && !push.client_ids.empty()) {
      Hold({push.client_ids.begin(), push.client_ids.end()}, push.epoch);
    } else if (!push.complete && !push.is_bare() &&
               push.base_epoch <= held_epoch_) {
      std::set<std::string> ids = held_;
      for (const MemberChange& change : push.changes) {
        if (change.type == MemberChange::Type::kJoined) {
          ids.insert(change.client_id);
        } else {
          ids.erase(change.client_id);
        }
      }
      Hold(std::move(ids), push.epoch);
    } else if (push.base_epoch == held_epoch_) {
      List();
      return;
    }
    Acknowledge();
  }

  void Hold(std::set<std::string> ids, uint64_t epoch) {
    if (epoch < held_epoch_) Wrong("puts an older list over a newer one");
    held_ = std::move(ids);
    held_epoch_ = epoch;
    const auto list = environment().lists->At(group_name(), epoch);
    if (list != DigestOf(held_)) {
      Wrong(absl::StrCat("holds ", held_.size(), " client ids at epoch ", epoch,
                         ", when there were others"));
    }
  }

  void Acknowledge() {
    if (held_epoch_ == 0) return;
    Later([this, epoch = held_epoch_] {
      const std::string name = group_name();
      const AcknowledgedGroup acknowledged = {name, epoch};
      processor().Acknowledge(*this, absl::MakeConstSpan(&acknowledged, 1),
                              now());
      acknowledged_ = std::max(acknowledged_, epoch);
      // They may overtake each other.
      if (epoch < acknowledged_ && AcknowledgedAtTheBroker() < acknowledged_) {
        Wrong(absl::StrCat("acknowledged epoch ", acknowledged_,
                           ", and the broker went back to ", epoch));
      }
      environment().rearm();
    });
  }

  uint64_t AcknowledgedAtTheBroker() {
    MemberCursor cursor = 0;
    do {
      uint64_t epoch;
      for (const MembershipMember& member :
           environment().core->table().ListMembership(
               group_name(), ClientTable::kMaxPiece, &cursor, &epoch)) {
        if (member.member.channel.get() == this) return member.acknowledged;
      }
    } while (cursor != 0);
    return 0;
  }

  void List() {
    if (std::exchange(lists_, true)) return;
    Later([this] { ReadPage({}, 0, 0); });
  }
  void ReadPage(std::set<std::string> ids, MemberCursor cursor,
                uint64_t epoch) {
    const ConsumerList page = processor().GetConsumerListByGroup(
        group_name(), random().Between(1, 60), cursor, epoch);
    if (!page.status.ok()) {  // It is gone, or no longer known.
      Later([this] { ReadPage({}, 0, 0); });
      return;
    }
    if (epoch != 0 && page.epoch != epoch)
      Wrong("gets a page of another epoch");
    ids.insert(page.client_ids.begin(), page.client_ids.end());
    if (page.next != 0) {
      Later([this, ids, next = page.next, epoch = page.epoch] {
        ReadPage(ids, next, epoch);
      });
      return;
    }
    lists_ = false;
    if (page.epoch > held_epoch_) Hold(std::move(ids), page.epoch);
    Acknowledge();
  }

  void Wrong(const std::string& what) const {
    environment().on_wrong(
        absl::StrCat("strict ", client_id, " in ", group_name(), ": ", what));
  }

  std::shared_ptr<const MembershipPush> waiting_;
  uint64_t held_epoch_ = 0;  // 0: it holds nothing.
  std::set<std::string> held_;
  uint64_t joined_ = 0;  // 0: another stream of its id was there.
  uint64_t acknowledged_ = 0;
  bool loses_ = false;  // It lost the latest push.
  bool listed_at_first_ = false;
  bool lists_ = false;
};

Crowd::Crowd(Environment environment, uint64_t seed)
    : environment_(std::move(environment)), random_(seed) {
  Heartbeat();
}

Crowd::~Crowd() = default;

void Crowd::Heartbeat() {
  members_.erase(std::remove_if(members_.begin(), members_.end(),
                                [](const auto& m) { return m->closed(); }),
                 members_.end());
  const absl::Time now = environment_.process->Now();
  for (const MemberPtr& member : members_) {
    if (member->is_silent) continue;
    member->RenewLight(0, now);
    // As the front does.
    if (member->attention()) {
      environment_.core->processor().AnswerAttention(*member, now);
    }
  }
  environment_.rearm();
  environment_.process->RunAt(now + kHeartbeat, [this] { Heartbeat(); });
}

Crowd::MemberPtr Crowd::NewMember(const std::string& client_id, int group,
                                  uint64_t incarnation, bool is_strict) {
  if (is_strict) {
    return std::make_shared<StrictMember>(this, client_id, group, incarnation);
  }
  return std::make_shared<OldMember>(this, client_id, group, incarnation);
}

void Crowd::Enter(const MemberPtr& member) {
  BrokerCore& core = *environment_.core;
  const absl::Time now = environment_.process->Now();
  if (core.drain().TurnAway(now).has_value()) return;
  if (!core.table().Open(member, now).ok()) return;
  const std::string group = member->group_name();
  const SubscriptionStatement subscription = {"topic", "*", "TAG", 1};
  ConsumerStatement consumer;
  consumer.group = group;
  consumer.modes.message_model = member->group == kBroadcasting
                                     ? MessageModel::kBroadcasting
                                     : MessageModel::kClustering;
  consumer.subscriptions = absl::MakeConstSpan(&subscription, 1);
  HeartbeatStatement statement;
  statement.client_id = member->client_id;
  statement.incarnation = member->incarnation;
  statement.stream_number = ++streams_;
  statement.consumers = absl::MakeConstSpan(&consumer, 1);
  members_.push_back(member);
  const HeartbeatResult result =
      core.processor().Heartbeat(*member, statement, now);
  member->OnAccepted(
      result.group_epochs.empty() ? 0 : result.group_epochs[0].epoch);
  environment_.rearm();
}

void Crowd::Exit(const MemberPtr& member, int way) {
  BrokerCore& core = *environment_.core;
  const absl::Time now = environment_.process->Now();
  if (way == 2) {
    member->is_silent = true;
    return;
  }
  if (way == 0) {
    const std::string name = member->group_name();
    const absl::string_view group = name;
    core.processor().UnregisterClient(*member, member->client_id, {},
                                      absl::MakeConstSpan(&group, 1), now);
  }
  core.housekeeping().OnChannelClose(*member, RemovalReason::kDisconnected,
                                     now);
  environment_.rearm();
}

std::vector<Crowd::MemberPtr> Crowd::MembersOf(int group) const {
  std::vector<MemberPtr> members;
  std::copy_if(members_.begin(), members_.end(), std::back_inserter(members),
               [group](const MemberPtr& member) {
                 return member->group == group && !member->closed();
               });
  return members;
}

void Crowd::Join(int group, int count) {
  for (int i = 0; i < count; ++i) {
    Enter(NewMember(absl::StrCat("other-", ++last_client_), group,
                    random_.Percent(50) ? 0 : 7, random_.Percent(50)));
  }
}

void Crowd::Leave(int group, int count) {
  const std::vector<MemberPtr> members = MembersOf(group);
  const int first = random_.Below(1'000);
  for (int i = 0; i < count && i < static_cast<int>(members.size()); ++i) {
    Exit(members[(first + i) % members.size()], random_.Below(3));
  }
}

void Crowd::Churn(int group, int count) {
  for (int i = 0; i < count; ++i) {
    const MemberPtr member = NewMember(
        absl::StrCat("churn-", random_.Below(2 * count)), group, 0, false);
    Enter(member);
    Exit(member, random_.Below(2));
  }
}

void Crowd::AddSecond(int group) {
  const std::vector<MemberPtr> members = MembersOf(group);
  if (members.empty()) return;
  const MemberPtr& there =
      members[random_.Below(static_cast<int>(members.size()))];
  const bool is_strict = random_.Percent(50);
  const MemberPtr second = NewMember(there->client_id, group, 0, is_strict);
  if (is_strict) static_cast<StrictMember&>(*second).ListAtFirst();
  Enter(second);
}

void Crowd::Replace(int group) {
  for (const MemberPtr& lost : MembersOf(group)) {
    if (lost->incarnation == 0) continue;
    const bool is_strict = dynamic_cast<StrictMember*>(lost.get()) != nullptr;
    const MemberPtr member =
        NewMember(lost->client_id, group, lost->incarnation, is_strict);
    member->TakeOver(*lost);
    Enter(member);
    return;
  }
}

bool Crowd::HasSilent() const {
  return std::any_of(members_.begin(), members_.end(), [](const MemberPtr& m) {
    return m->is_silent && !m->closed();
  });
}

std::string Crowd::WhoMissedSomething() const {
  for (const MemberPtr& member : members_) {
    if (member->closed() || member->group == kBroadcasting ||
        member->group == kNotNotified) {
      continue;
    }
    if (std::string missed = member->WhatItMissed(); !missed.empty()) {
      return missed;
    }
  }
  return "";
}

}  // namespace rmq::network
