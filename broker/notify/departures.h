// The members that are gone without having said so, until their peers are told.
#ifndef BROKER_NOTIFY_DEPARTURES_H_
#define BROKER_NOTIFY_DEPARTURES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"

namespace rmq {

// Keeps, for each consumer group, the last signs of life of those members that
// EXPIRED or were DISCONNECTED since the group's last round of pushes began.
// Bound: kMost in all; those beyond it are left out. Not thread-safe.
class Departures {
 public:
  static constexpr size_t kMost = 64 * 1024;

  // An event of the table, in the table's order.
  void Note(const ClientEvent& event);
  // A delivery of events is over: who left a group without a kChange of the
  // group is pushed to nobody.
  void EndDelivery();

  // Takes those of the group's changes so far.
  std::vector<absl::Time> Take(const std::string& group);
  void Clear();

  size_t size() const { return size_; }

 private:
  using Times = std::vector<absl::Time>;

  // By group. Of the delivery: until the group's kChange.
  absl::flat_hash_map<std::string, Times> unannounced_;
  absl::flat_hash_map<std::string, Times> waiting_;
  size_t size_ = 0;
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_DEPARTURES_H_
