// The consumer groups whose members do not all state the same.
#ifndef BROKER_REGISTRY_INCONSISTENT_GROUPS_H_
#define BROKER_REGISTRY_INCONSISTENT_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/group_consistency.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/table_change.h"

namespace rmq {

// Decides when an inconsistent group is *reported*, that is after its grace,
// and which members are to be warned.
//
// When a group is reported, and whenever another camp becomes its reference,
// the odd members are told: a member whose heartbeat is being answered by that
// answer, the others at their next heartbeat. For these the members are looked
// at in pieces, and the attention of the odd ones is set: see Liveness. A group
// is looked at once a kTellInterval at most.
//
// Costs nothing for groups that are consistent.
//
// Not thread-safe. Groups are borrowed.
class InconsistentGroups {
 public:
  static constexpr absl::Duration kTellInterval = absl::Seconds(1);
  // Clients that a warning names, and members that are looked at for them.
  static constexpr size_t kNamedClients = 10;
  static constexpr size_t kLooksForNames = 32;

  // `consistency` is that of `group`, and has changed. `grace`: of a group that
  // becomes inconsistent by this.
  void Update(const RegisteredGroup& group, const GroupConsistency& consistency,
              absl::Duration grace, TableChange* change);

  // Whether members wait to be looked at, and the look: at most at `*budget`
  // members, and lowers `*budget` by their number.
  bool HasUntold() const { return !untold_.empty(); }
  void Tell(size_t* budget);

  // When ReportDue() has something to do; InfiniteFuture if never.
  absl::Time NextDue() const {
    return due_.empty() ? absl::InfiniteFuture() : due_.begin()->first;
  }
  // Reports groups whose grace is over, and lets members be told that waited
  // for kTellInterval: of at most `max` groups.
  void ReportDue(size_t max, TableChange* change);

  // Groups that are reported now.
  size_t reported() const { return reported_; }

  // Whether TakeWarning() has one that the channel has not been told.
  bool HasNews(const ChannelRecord& channel, const Membership& membership,
               const GroupConsistency& consistency) const;

  // The warning for `channel`, a member by `membership`, whose group has this
  // `consistency`; nothing if it is not odd, or its group is not reported. The
  // channel counts as told. `only_news`: nothing if it has been told before.
  absl::optional<ClientWarning> TakeWarning(ChannelRecord& channel,
                                            const Membership& membership,
                                            const GroupConsistency& consistency,
                                            bool only_news);

 private:
  struct Entry {
    const RegisteredGroup* group;
    const GroupConsistency* consistency;
    bool is_reported = false;
    // The number of the camp that is the reference.
    uint64_t reference = 0;
    // Numbers what odd members are to be told. No two have the same.
    uint64_t news = 0;
    // When the members were last looked at from the first one on.
    absl::Time told_at = absl::InfinitePast();
    // When it is to be reported, or its members are to be looked at again.
    absl::Time due = absl::InfiniteFuture();
    // The member that was looked at last.
    ChannelId looked_at = 0;
  };
  using Entries = absl::btree_map<absl::string_view, Entry>;

  void Report(Entry& entry, TableChange* change);
  // The odd members of a reported group have to be told.
  void WantTell(Entry& entry, absl::Time now);
  void SetDue(Entry& entry, absl::Time due);
  bool IsUntold(const Entry& entry, const ChannelRecord& channel) const;

  // By name; names are the groups' own.
  Entries entries_;
  absl::btree_set<std::pair<absl::Time, absl::string_view>> due_;
  absl::btree_set<absl::string_view> untold_;
  size_t reported_ = 0;
  uint64_t last_news_ = 0;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_INCONSISTENT_GROUPS_H_
