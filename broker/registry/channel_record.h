// What the registry keeps of one channel.
#ifndef BROKER_REGISTRY_CHANNEL_RECORD_H_
#define BROKER_REGISTRY_CHANNEL_RECORD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/channel_groups.h"
#include "broker/registry/labels.h"
#include "broker/registry/liveness.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/principals.h"
#include "common/client_types.h"

namespace rmq {

class ClientChannel;
class ClientEntry;
struct RegisteredGroup;

// Number of a channel in this broker's lifetime: 1, 2, ... in the order of
// opening. 0 is no channel.
using ChannelId = uint64_t;

enum class ChannelKind : uint8_t {
  kStream,
  // Stands for the unary calls of one client id: is pushed nothing, and goes
  // when its last group does.
  kStandIn,
  // A client of RocketMQ 5's protocol, whose calls and streams come and go: the
  // same as a stand-in, beside that of unary calls.
  kRocketmq5,
};

// Whether a channel of the kind goes when its last group does. The others go
// with their stream.
inline bool GoesWithLastGroup(ChannelKind kind) {
  return kind != ChannelKind::kStream;
}

// What a channel has been pushed about a consumer group since it joined it.
enum class Told : uint8_t {
  kNothing,
  // To ask who is there.
  kToAsk,
  // Who is there, or what changed.
  kMembers,
};

// A channel's membership in one group. Guarded by the table's lock.
struct Membership {
  Membership() : has_other_client(false), told_(0) {}

  Told told() const { return static_cast<Told>(told_); }
  void set_told(Told told) { told_ = static_cast<uint8_t>(told); }

  RegisteredGroup* group = nullptr;
  // What the channel states of a consumer group. Empty for a producer group.
  MemberStatement statement;
  // The epoch of the consumer group at which the client id joined it, by
  // whichever channel. 0 for a producer group.
  uint64_t joined = 0;
  // The program, of the channel's latest full heartbeat.
  int32_t version = 0;
  LanguageCode language = LanguageCode::kUnspecified;
  // Whether the channel's latest full heartbeat states the group. While a full
  // heartbeat is being applied that is the latest one.
  bool stated = true;
  // Whether the channel's current statement leaves the group out. Then the
  // membership has a time of its own; otherwise it is as fresh as the channel.
  bool left_out = false;
  // Whether the channel is in the group under another client id than its first.
  bool has_other_client : 1;

 private:
  uint8_t told_ : 2;
};
static_assert(sizeof(Membership) == 32, "each client has two or more");

// A channel's place in the ExpiryIndex: its neighbours in the ring of a bucket.
struct ExpiryLink {
  ExpiryLink* previous = nullptr;
  ExpiryLink* next = nullptr;
};

// The registry's own part of a ClientChannel, which holds the record by value:
// one allocation for both. There is one for each client, so fields that a
// heartbeat or a scan touches stand first, and what few clients need is on the
// heap.
//
// Thread-safety: `liveness` and `statement_token` synchronise themselves. The
// last four fields are constant once the channel is opened. The table's lock
// guards the rest.
struct ChannelRecord : ExpiryLink {
  // What few channels need, by group.
  struct Exceptions {
    // When the group was last stated, of memberships that are left out.
    absl::flat_hash_map<const RegisteredGroup*, absl::Time> left_out;
    // The client id, of memberships under another one than the channel's.
    absl::flat_hash_map<const RegisteredGroup*, ClientEntry*> other_clients;
    // When the rate limit of the channel's statement changes is fully available
    // again; see Rate. A scan sets a time that has passed to InfinitePast.
    absl::Time changes_full_at = absl::InfinitePast();
    // How long the channel may be silent, if that is not the table's usual
    // expiry. Zero: it is.
    absl::Duration expiry = absl::ZeroDuration();
    // Of the latest full heartbeat. Null: none.
    LabelsPtr labels;
    // What the client was told last, of consumer groups in which it is odd: see
    // InconsistentGroups.
    absl::flat_hash_map<const RegisteredGroup*, uint64_t> told;
    // The groups that the client has unregistered since its latest full
    // heartbeat. Null: none.
    std::unique_ptr<ChannelGroups> unregistered;
    // Another process has begun to use the client id, and the client has not
    // been told.
    bool has_new_duplicate = false;
  };

  explicit ChannelRecord(ChannelKind kind) : kind(kind) {}
  ChannelRecord(const ChannelRecord&) = delete;
  ChannelRecord& operator=(const ChannelRecord&) = delete;

  Exceptions& MutableExceptions() {
    if (exceptions == nullptr) exceptions = std::make_unique<Exceptions>();
    return *exceptions;
  }
  void DropExceptionsIfEmpty() {
    if (exceptions != nullptr && exceptions->left_out.empty() &&
        exceptions->other_clients.empty() && exceptions->told.empty() &&
        !exceptions->has_new_duplicate &&
        exceptions->changes_full_at == absl::InfinitePast() &&
        exceptions->expiry == absl::ZeroDuration() &&
        exceptions->labels == nullptr && exceptions->unregistered == nullptr) {
      exceptions = nullptr;
    }
  }

  // How long the channel may be silent; `usual` is the table's.
  absl::Duration Expiry(absl::Duration usual) const {
    return exceptions == nullptr || exceptions->expiry == absl::ZeroDuration()
               ? usual
               : exceptions->expiry;
  }

  LabelsPtr labels() const {
    return exceptions == nullptr ? nullptr : exceptions->labels;
  }
  void SetLabels(absl::Span<const StatedLabel> stated) {
    if (AreEqual(labels(), stated)) return;
    MutableExceptions().labels = MakeLabels(stated);
    DropExceptionsIfEmpty();
  }

  const ChannelGroups* unregistered() const {
    return exceptions == nullptr ? nullptr : exceptions->unregistered.get();
  }
  void ForgetUnregistered() {
    if (unregistered() == nullptr) return;
    exceptions->unregistered = nullptr;
    DropExceptionsIfEmpty();
  }

  absl::Time changes_full_at() const {
    return exceptions == nullptr ? absl::InfinitePast()
                                 : exceptions->changes_full_at;
  }
  void ForgetPastChanges(absl::Time now) {
    if (exceptions == nullptr || exceptions->changes_full_at > now) return;
    exceptions->changes_full_at = absl::InfinitePast();
    DropExceptionsIfEmpty();
  }

  // The channel is not odd in the group, or not in it.
  void ForgetTold(const RegisteredGroup& group) {
    if (exceptions == nullptr || exceptions->told.erase(&group) == 0) return;
    DropExceptionsIfEmpty();
  }

  size_t left_out_groups() const {
    return exceptions == nullptr ? 0 : exceptions->left_out.size();
  }

  // When the channel last stated the group of `membership`, in full or by
  // token.
  absl::Time LastStated(const Membership& membership) const {
    return membership.left_out ? exceptions->left_out.at(membership.group)
                               : liveness.last_heard();
  }

  // The client id under which the channel is in the group of `membership`.
  ClientEntry& ClientOf(const Membership& membership) const {
    return membership.has_other_client
               ? *exceptions->other_clients.at(membership.group)
               : *client;
  }

  Liveness liveness;
  // Token of the current statement. 0 if a light heartbeat must be answered
  // with "full statement needed".
  std::atomic<uint64_t> statement_token{0};

  // Null if there are none.
  std::unique_ptr<Exceptions> exceptions;
  absl::InlinedVector<Membership, 2> memberships;
  // The client of the first full heartbeat; null before.
  ClientEntry* client = nullptr;
  // The table's reference to the channel whose record this is, while the
  // channel is open.
  std::shared_ptr<ClientChannel> port;
  // Of the first full heartbeat.
  uint64_t incarnation = 0;
  uint64_t stream_number = 0;

  ChannelId id = 0;
  int64_t opened_at_ns = 0;  // Since 1970: half the size of an absl::Time.
  // Of who opened it.
  Principals::Number principal = Principals::kAnonymous;
  const ChannelKind kind;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_RECORD_H_
