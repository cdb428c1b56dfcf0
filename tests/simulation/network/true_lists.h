// The lists of client ids that the groups of one broker process have had, by
// epoch, as the events of its table tell them.
#ifndef TESTS_SIMULATION_NETWORK_TRUE_LISTS_H_
#define TESTS_SIMULATION_NETWORK_TRUE_LISTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/registry/client_event.h"

namespace rmq::network {

// A set of client ids as a number of constant size: two sets have equal digests
// only if they are equal, for all that matters here.
struct Digest {
  size_t count = 0;
  uint64_t sum = 0;

  void Add(absl::string_view id);
  void Remove(absl::string_view id);
  friend bool operator==(const Digest& a, const Digest& b) {
    return a.count == b.count && a.sum == b.sum;
  }
  friend bool operator!=(const Digest& a, const Digest& b) { return !(a == b); }
};

Digest DigestOf(const std::set<std::string>& ids);

// Works epochs out anew, and independently of the table: the epoch of a
// consumer group is the revision of the last change of its set of distinct
// client ids.
class TrueLists final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override;
  void OnEventsDelivered() override { Settle(); }

  // 0 if the group has never had a member.
  uint64_t EpochOf(const std::string& group) const;
  // Nothing if the group has never been at this epoch.
  absl::optional<Digest> At(const std::string& group, uint64_t epoch) const;
  // How often the list of any group has changed.
  uint64_t changes() const { return changes_; }
  // Whether the group has had this list at any epoch.
  bool Had(const std::string& group, const Digest& list) const;

 private:
  struct Group {
    std::map<const ClientChannel*, std::string> ids;
    std::map<std::string, int> channels;  // By client id.
    Digest now;
    std::map<uint64_t, Digest> lists;  // By epoch.
  };
  // Ends the revision whose events have come so far.
  void Settle();

  std::map<std::string, Group> groups_;
  std::set<std::string> touched_;  // By the events of `revision_`.
  uint64_t revision_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_TRUE_LISTS_H_
