// Look-ups of client ids that several processes use, and of groups whose
// members do not all state the same.
#ifndef BROKER_REGISTRY_WARNING_QUERIES_H_
#define BROKER_REGISTRY_WARNING_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/statement_form.h"
#include "broker/registry/table_state.h"

namespace rmq {

// A client id that several processes use, copied out.
struct DuplicateClientInfo {
  // Of the channels of one id.
  static constexpr size_t kMostChannels = 10;

  std::string client_id;
  absl::Time since;
  // Streams with an incarnation.
  size_t streams = 0;
  // The first of these, those of one user together, in the order of their
  // incarnations.
  std::vector<ClientChannelPtr> channels;
};

// What some members of a consumer group state, copied out.
struct StatementCampInfo {
  static constexpr size_t kMostClientIds = 100;

  StatementForm form;
  size_t members = 0;
  absl::Time stated_since;
  // Each once, in the order of their channels' opening.
  std::vector<std::string> client_ids;
  // Of the camp: see GroupConsistency.
  uint64_t number = 0;
};

// Whether the members of a consumer group state the same, copied out.
struct ConsistencyInfo {
  // What is copied of all camps: at most so many, and no further one once it is
  // so many subscriptions or bytes.
  static constexpr size_t kMostCamps = 100;
  static constexpr size_t kMostSubscriptions = 1000;
  static constexpr size_t kMostBytes = 256 * 1024;

  bool is_consistent = true;
  // Of a group that is not consistent.
  absl::Time inconsistent_since;
  // The reference first, then by the number of members.
  std::vector<StatementCampInfo> camps;
  // Camps that are not copied.
  size_t camps_left_out = 0;
};

// The parts of TableQueries' look-ups that need the table's lock.
//
// Up to `max` ids that are greater than `after`, in order.
std::vector<DuplicateClientInfo> ListDuplicates(const TableState& state,
                                                absl::string_view after,
                                                size_t max);

// Nothing if there is no such group. Without client ids.
absl::optional<ConsistencyInfo> FindConsistency(const TableState& state,
                                                absl::string_view group);

// Adds the client ids of up to `max` members after `*cursor` to their camps,
// and moves the cursor. Returns whether there is more to add.
bool CollectClientIds(const TableState& state, absl::string_view group,
                      size_t max, ChannelId* cursor, ConsistencyInfo* info);

}  // namespace rmq

#endif  // BROKER_REGISTRY_WARNING_QUERIES_H_
