// One list of a group's members out of the lists of several brokers.
//
//   rmq::MergedMembership orders("orders", rmq::MergeRule::kUnion);
//   options.on_membership_changed = [&](const rmq::MembershipChange& change) {
//     orders.Update(change);
//     Show(orders.Members());
//   };
//   options.on_broker_health_changed = [&](const rmq::BrokerHealth& health) {
//     orders.Update(health);
//     Show(orders.Members());
//   };
#ifndef CLIENT_MERGED_MEMBERSHIP_H_
#define CLIENT_MERGED_MEMBERSHIP_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/membership_change.h"

namespace rmq {

// Which client ids are members, by the lists of the brokers that answer.
enum class MergeRule {
  // Those that one broker has at least: who is somewhere.
  kUnion,
  // Those that all brokers have: who is everywhere.
  kIntersection,
  // Those that more than half of the brokers have. Of two brokers: both.
  kMajority,
};

// "union", "intersection", "majority".
absl::string_view Name(MergeRule rule);

// Why the list of a broker does not count.
enum class AbsenceReason {
  // The client is not online there.
  kAway,
  // The client is online, and has not heard the list since it is.
  kNoList,
  // The broker is settling after its start: members may be missing.
  kSettling,
  // The broker skipped the group (BrokerHealth::skipped_groups).
  kSkipped,
};

// "AWAY", ...
absl::string_view Name(AbsenceReason reason);

struct AbsentBroker {
  BrokerEntry broker;
  AbsenceReason reason = AbsenceReason::kAway;
};

// A value.
struct MergedMembers {
  // By the rule, each once, in alphabetical order. Empty if no broker answers:
  // then nothing is known of the group.
  std::vector<std::string> members;
  // Those that some of the brokers that answer have and others do not, each
  // once, in alphabetical order, whether or not the rule takes them: clients
  // that are on their way, or that cannot reach a broker.
  std::vector<std::string> disputed;
  // The brokers whose lists count, by their addresses.
  std::vector<BrokerEntry> answering;
  // The other brokers of the client, by their addresses.
  std::vector<AbsentBroker> absent;

  // Whether more than half of the brokers answer.
  bool has_quorum() const { return answering.size() > absent.size(); }
};

// The lists of one group. It is fed with what a Client tells, or what a
// MembershipWatcher does, and merges when it is asked. A broker that is absent
// neither has a member nor misses one: the rule counts those that answer, and
// who uses the list decides by `absent` what it is worth.
//
// The list is no lock and no agreement: brokers do not know of each other, and
// each process hears of them at times of its own. client/WORK_SHARING.md says
// what that is good for.
//
// Bounds: kMaxBrokers brokers; updates about others are ignored. One list for
//   each of them.
// Thread-safety: not thread-safe. The callbacks of a client run one at a time.
class MergedMembership {
 public:
  MergedMembership(std::string group, MergeRule rule)
      : group_(std::move(group)), rule_(rule) {}

  // What ClientOptions::on_membership_changed tells. A list counts while the
  // broker is online by its health, so the other callback is needed too: it is
  // the first that tells of a broker, and a list that is told late, after the
  // client has lost the broker, must not count. Of another group, or of a
  // broker whose health was not told: ignored.
  void Update(const MembershipChange& change);

  // What ClientOptions::on_broker_health_changed tells. A broker that is not
  // online is absent, and its list has to come anew (or, if the client was away
  // for a moment, the list that it had counts until the new one is told). One
  // that the client has left for good (kStopped) is forgotten, and so is an
  // address that is a second way to another broker of the client (kReserve).
  void Update(const BrokerHealth& health);

  // What Client::Health() returns: as above, and all other brokers are
  // forgotten.
  void Update(const std::vector<BrokerHealth>& all);

  // What a MembershipWatcher knows, where `broker.address` names the broker: at
  // each on_synced and on_event the client ids of MembershipWatcher::Members(),
  // in any order, each once or more.
  void SetMembers(const BrokerEntry& broker, std::vector<std::string> members);
  // ... and when on_state says that the broker is not connected.
  void SetAway(const BrokerEntry& broker);
  // ... and when on_brokers has told which brokers are watched: all others are
  // forgotten, and one that is new is absent (kAway) until its list comes.
  void SetBrokers(const std::vector<BrokerEntry>& brokers);

  // The merged list as of now. Takes as long as sorting all lists.
  MergedMembers Members() const;

  const std::string& group() const { return group_; }
  MergeRule rule() const { return rule_; }

 private:
  struct View {
    BrokerEntry broker;
    bool is_online = false;
    bool is_skipped = false;
    bool is_settling = false;
    bool has_list = false;
    std::vector<std::string> members;  // Sorted, each once.
  };

  // The view of the broker; null if there would be too many.
  View* ViewOf(const BrokerEntry& broker);

  // Forgets the brokers at other addresses.
  void KeepOnly(const absl::flat_hash_set<absl::string_view>& addresses);

  static void SetList(std::vector<std::string> members, bool is_settling,
                      View* view);

  const std::string group_;
  const MergeRule rule_;
  absl::btree_map<std::string, View> views_;  // By address.
};

}  // namespace rmq

#endif  // CLIENT_MERGED_MEMBERSHIP_H_
