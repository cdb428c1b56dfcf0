// What a consumer group subscribes to and how, made of the statements of the
// members that are in it now.
#ifndef BROKER_REGISTRY_EFFECTIVE_STATEMENT_H_
#define BROKER_REGISTRY_EFFECTIVE_STATEMENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/member_ranking.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/subscription_table.h"
#include "common/client_types.h"

namespace rmq {

// The rule:
// - The topics are those that some member holds. The subscription of a topic is
//   that of the holder with the greatest sub version; of equal ones, the one
//   that was stated first.
// - The modes are those of the member whose latest full heartbeat is the
//   latest. Members whose latest full heartbeat left the group out come last.
//
// A change has three steps: Restate() for each membership that it is about,
// Look() while that has something to look for and may, and TakeChange(). Until
// TakeChange() the outcome is the one before the change.
//
// Costs: a topic counts its holders and keeps the first few of them. Members
// that agree cost nothing more; while they disagree about the expression of a
// topic, or about the modes, the order of their statements is kept too. Members
// are looked at only when all those that a topic kept have left: MemberRanking
// bounds how often.
//
// Not thread-safe. Channels are borrowed: each is a member of the group until
// Restate() is told that it holds nothing.
//
// Reference: ConsumerGroupInfo#updateSubscription. Differs: Java's group has
// what the latest heartbeat of any member stated, and keeps what a member left
// behind.
class EffectiveStatement {
 public:
  struct Change {
    // Topics that the group has now and did not have, and the other way round.
    absl::InlinedVector<std::string, 2> added_topics;
    absl::InlinedVector<std::string, 2> removed_topics;
    // The subscription of a topic that stays is another one now.
    bool subscriptions = false;
    bool modes = false;

    bool topics() const {
      return !added_topics.empty() || !removed_topics.empty();
    }
  };

  EffectiveStatement() = default;
  EffectiveStatement(const EffectiveStatement&) = delete;
  EffectiveStatement& operator=(const EffectiveStatement&) = delete;

  const ConsumerModes& modes() const { return modes_; }

  // Never null.
  const SubscriptionTablePtr& subscriptions() const;

  // A full heartbeat of `channel` stated the group: the membership held
  // `before`, empty if it is new, and holds `after` now. `number` is the
  // heartbeat's: the later the greater.
  void Restate(ChannelRecord& channel, const MemberStatement& before,
               const MemberStatement& after, uint64_t number);

  // The same for a heartbeat after which the membership holds what it held.
  void Repeat(ChannelRecord& channel, uint64_t number);

  // The membership of `channel`, which held `before`, is none any more.
  void Remove(ChannelRecord& channel, const MemberStatement& before);

  // The latest full heartbeat of `channel` left the group out.
  void NoteLeftOut(ChannelRecord& channel);

  // Whether Look() has something to look for. What depends on it stays as it
  // was until then.
  bool WantsLook() const;

  // Looks at members of `group`, whose statement this is, at `*budget` of them
  // at most, which it lowers. Goes on where the last call ended.
  void Look(const RegisteredGroup& group, size_t* budget);

  // Ends a change: the outcome is the new one from here on.
  Change TakeChange(const RegisteredGroup& group);

 private:
  // Of a topic whose holders do not all state the same expression and type.
  struct Dispute {
    // How many state each.
    absl::flat_hash_map<std::pair<std::string, std::string>, size_t> camps;
    // By which full heartbeat a holder stated its subscription. Those that are
    // not here did so earlier, when all still agreed.
    absl::flat_hash_map<const ChannelRecord*, uint64_t> numbers;
  };

  struct Topic {
    explicit Topic(absl::string_view name) : name(name) {}

    const std::string name;
    size_t holders = 0;
    // The group's; its expression and type are those of all holders if there is
    // no dispute.
    SubscriptionData subscription;
    // The group has the topic, as of the last TakeChange().
    bool is_taken = false;
    // It is in touched_.
    bool is_touched = false;
    // A member holds another subscription since then.
    bool is_restated = false;
    // Whose subscription the group has, as of then.
    const ChannelRecord* taken_from = nullptr;
    MemberRanking ranking;
    std::unique_ptr<Dispute> dispute;
  };

  // Of members that do not all state the same modes.
  struct ModesDispute {
    absl::InlinedVector<std::pair<ConsumerModes, size_t>, 2> camps;
    // The latest full heartbeat of a member that stated the group; as in
    // Dispute.
    absl::flat_hash_map<const ChannelRecord*, uint64_t> numbers;
    MemberRanking ranking;
  };

  Topic& Touch(const std::string& name);
  void Hold(ChannelRecord& channel, const MemberStatement& before,
            size_t before_at, const MemberStatement& after, size_t after_at,
            uint64_t number);
  void Drop(ChannelRecord& channel, const MemberStatement& before, size_t at);
  static void BeginDispute(Topic& topic, size_t agreeing);
  static void LeaveCamp(Dispute& dispute, const MemberStatement& statement,
                        size_t at);
  static MemberRanking::Rank RankOf(const Topic& topic,
                                    const ChannelRecord& channel,
                                    int64_t sub_version);

  void RestateModes(ChannelRecord& channel, const MemberStatement& before,
                    const MemberStatement& after, uint64_t number);
  void RemoveModes(const ChannelRecord& channel, const MemberStatement& before);
  void JoinModesCamp(const ConsumerModes& modes);
  void LeaveModesCamp(const ConsumerModes& modes);
  uint64_t NumberOf(const ChannelRecord& channel) const;

  void BeginLook();
  void LookAt(ChannelRecord& channel, const Membership& membership);
  void EndLook();
  // True if it waits for a look. Otherwise it may be gone.
  bool TakeTopic(const RegisteredGroup& group, Topic& topic, Change* change);
  // The group's subscription is that of `holder`.
  static void TakeSubscription(const RegisteredGroup& group,
                               ChannelRecord& holder, Topic& topic,
                               Change* change);

  size_t members_ = 0;
  ConsumerModes modes_;
  // Those of all members if there is no dispute.
  ConsumerModes agreed_modes_;
  std::unique_ptr<ModesDispute> modes_dispute_;

  // Names are the topics' own.
  absl::btree_map<absl::string_view, std::unique_ptr<Topic>> topics_;
  // Those that the change is about, and those that wait for a look.
  std::vector<Topic*> touched_;

  bool is_looking_ = false;
  // The member that was looked at last.
  ChannelId looked_at_ = 0;

  // The taken topics; null: made when somebody asks.
  mutable SubscriptionTablePtr table_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_EFFECTIVE_STATEMENT_H_
