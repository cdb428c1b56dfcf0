// What a consumer group subscribes to and how: made of the statements of its
// present members.
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
// - The topics are those that some member states. The subscription of a topic
// is
//   that of its *holder* (a member that states it) with the greatest sub
//   version; of equal sub versions, the one that was stated first.
// - The modes are those of the member whose latest full heartbeat is the
//   latest. Members whose latest full heartbeat left the group out come last.
//
// A change has three steps: Restate(), Repeat(), Remove() or NoteLeftOut() for
// each membership that changes; Look() while WantsLook() and the budget allow;
// and TakeChange(). Until TakeChange() the outcome is the one before the
// change.
//
// Costs: a topic counts its holders and ranks the first few of them. Members
// that agree cost nothing more. While members disagree about the expression of
// a topic, or about the modes, the order of their statements is kept too.
// Members are looked at only after all ranked holders of a topic have left:
// MemberRanking bounds how often.
//
// Not thread-safe. Channels are borrowed: each is a member of the group until
// Remove().
//
// Reference: ConsumerGroupInfo#updateSubscription. Differs: Java's group has
// what the latest heartbeat of any member stated, and keeps what a member left
// behind.
class EffectiveStatement {
 public:
  struct Change {
    // Topics that the group gained and lost.
    absl::InlinedVector<std::string, 2> added_topics;
    absl::InlinedVector<std::string, 2> removed_topics;
    // Whether the subscription of a topic that stays has changed.
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

  // A full heartbeat of `channel` stated the group: the membership's statement
  // was `before` (empty if the membership is new) and is `after` now. `number`
  // is the heartbeat's: the later, the greater.
  void Restate(ChannelRecord& channel, const MemberStatement& before,
               const MemberStatement& after, uint64_t number);

  // The same for a heartbeat that leaves the membership's statement as it was.
  void Repeat(ChannelRecord& channel, uint64_t number);

  // `channel`, whose membership stated `before`, has left the group.
  void Remove(ChannelRecord& channel, const MemberStatement& before);

  // The latest full heartbeat of `channel` left the group out.
  void NoteLeftOut(ChannelRecord& channel);

  // Whether Look() has something to look for. Until it has been found, what
  // depends on it stays as it was.
  bool WantsLook() const;

  // Looks at members of `group`, whose statement this is: at most at `*budget`
  // members, and lowers `*budget` by their number. Continues where the last
  // call ended.
  void Look(const RegisteredGroup& group, size_t* budget);

  // Ends a change and returns what it changed. From here on the outcome is the
  // new one.
  Change TakeChange(const RegisteredGroup& group);

 private:
  // A topic whose holders do not all state the same expression and type.
  struct Dispute {
    // How many holders state each expression and type.
    absl::flat_hash_map<std::pair<std::string, std::string>, size_t> camps;
    // The number of the full heartbeat in which a holder stated its
    // subscription. A holder that is not here stated it earlier, when all
    // holders agreed.
    absl::flat_hash_map<const ChannelRecord*, uint64_t> numbers;
  };

  struct Topic {
    explicit Topic(absl::string_view name) : name(name) {}

    const std::string name;
    size_t holders = 0;
    // The group's subscription. If there is no dispute, all holders state its
    // expression and type.
    SubscriptionData subscription;
    // Whether the group had the topic at the last TakeChange().
    bool is_taken = false;
    // Whether the topic is in touched_.
    bool is_touched = false;
    // Whether a holder has restated its subscription since then.
    bool is_restated = false;
    // The holder whose subscription the group took then.
    const ChannelRecord* taken_from = nullptr;
    MemberRanking ranking;
    std::unique_ptr<Dispute> dispute;
  };

  // Members that do not all state the same modes.
  struct ModesDispute {
    absl::InlinedVector<std::pair<ConsumerModes, size_t>, 2> camps;
    // The number of the latest full heartbeat in which a member stated the
    // group. A member that is not here: as in Dispute.
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
  // True if the topic waits for a look. Otherwise the topic may be deleted.
  bool TakeTopic(const RegisteredGroup& group, Topic& topic, Change* change);
  // Makes the subscription of `holder` the group's.
  static void TakeSubscription(const RegisteredGroup& group,
                               ChannelRecord& holder, Topic& topic,
                               Change* change);

  size_t members_ = 0;
  ConsumerModes modes_;
  // If there is no dispute, the modes of all members.
  ConsumerModes agreed_modes_;
  std::unique_ptr<ModesDispute> modes_dispute_;

  // Names are the topics' own.
  absl::btree_map<absl::string_view, std::unique_ptr<Topic>> topics_;
  // Topics that the change is about, and topics that wait for a look.
  std::vector<Topic*> touched_;

  bool is_looking_ = false;
  // The member that was looked at last.
  ChannelId looked_at_ = 0;

  // The topics that were taken; null until subscriptions() is called.
  mutable SubscriptionTablePtr table_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_EFFECTIVE_STATEMENT_H_
