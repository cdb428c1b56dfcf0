// One long connection of one client to this broker, as the core sees it: a
// Connect stream, or the stand-in of a client's unary calls.
//
// The edge derives its stream from ClientChannel, opens it in the ClientTable
// with its first full heartbeat, and closes it there when the stream is over.
// The table holds a reference to every open channel; the edge holds its own.
#ifndef BROKER_REGISTRY_CLIENT_CHANNEL_H_
#define BROKER_REGISTRY_CLIENT_CHANNEL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/held_statement.h"
#include "broker/registry/liveness.h"
#include "broker/registry/remote_address.h"
#include "common/client_types.h"

namespace rmq {

class ClientEntry;
struct RegisteredGroup;

// Number of a channel in this broker's lifetime: 1, 2, ... in the order of
// opening. 0 is no channel.
using ChannelId = uint64_t;

// What became of a light heartbeat.
enum class Renewal {
  kRenewed,
  // Renewed, but the token is not that of the channel's current statement: the
  // client must send a full heartbeat.
  kFullStatementNeeded,
  // The channel is closed; nothing was renewed.
  kClosed,
};

// A channel's record in one group. Guarded by the table's lock.
struct Membership {
  RegisteredGroup* group = nullptr;
  // Of a consumer group: what the channel states of it. Empty for a producer
  // group.
  HeldStatement held;
  int32_t version = 0;
  LanguageCode language = LanguageCode::kUnspecified;
  // Whether the channel's latest full heartbeat, which may be the one that is
  // being applied, states the group.
  bool stated = true;
  // Whether the channel's current statement left the group out: then it has its
  // own time. Otherwise it is as fresh as the channel.
  bool left_out = false;
  // The channel is in the group under another client id than its first.
  bool has_other_client = false;
};

// A channel's place in the ExpiryIndex: its neighbours in the ring of a bucket.
struct ExpiryLink {
  ExpiryLink* previous = nullptr;
  ExpiryLink* next = nullptr;
};

// There is one for each client: what a heartbeat or a scan touches stands
// first, and what few clients have is on the heap.
//
// Thread-safety: the public methods are thread-safe. Nothing here takes a lock.
// Ownership: by shared_ptr.
class ClientChannel : private ExpiryLink,
                      public std::enable_shared_from_this<ClientChannel> {
 public:
  enum class Kind : uint8_t {
    kStream,
    // Stands for the unary calls of one client id: gets no push, and goes when
    // its last group does.
    kStandIn,
  };

  // `remote_address` as set_remote_address().
  explicit ClientChannel(Kind kind, absl::string_view remote_address = "")
      : kind_(kind) {
    set_remote_address(remote_address);
  }
  virtual ~ClientChannel() = default;
  ClientChannel(const ClientChannel&) = delete;
  ClientChannel& operator=(const ClientChannel&) = delete;

  // Effects, called with no lock held, from any thread. They must not block,
  // and do nothing once the channel has ended.

  // The consumer ids of `group` have changed. Slow readers coalesce: only the
  // latest per group counts.
  virtual void NotifyConsumerIdsChanged(absl::string_view group) = 0;
  // The table has closed the channel: tell the client why, and let it go.
  virtual void End(RemovalReason reason) = 0;

  // Whether a message written now would go out at once. Called with the table's
  // lock held: an atomic load, no more.
  virtual bool writable() const = 0;

  // A light heartbeat: renews all groups of the channel's current statement and
  // says whether `token` is that statement's. No lock, no allocation; O(1).
  // Reference: ClientManageProcessor#heartBeatV2. Differs: Java compares with a
  // fingerprint that it keeps for each group, for ever, and for all its
  // clients.
  Renewal RenewLight(uint64_t token, absl::Time now) {
    if (!liveness_.Renew(now)) return Renewal::kClosed;
    return token != 0 &&
                   token == statement_token_.load(std::memory_order_relaxed)
               ? Renewal::kRenewed
               : Renewal::kFullStatementNeeded;
  }

  // A full heartbeat that would change nothing, as the caller knows by
  // ClientTable::statement_changes(): renews as a light one does, and returns
  // the current statement's token. 0, and nothing is renewed, if there is no
  // token or the channel is closed.
  uint64_t RenewRepeated(absl::Time now) {
    const uint64_t token = statement_token_.load(std::memory_order_relaxed);
    return token != 0 && liveness_.Renew(now) ? token : 0;
  }

  Kind kind() const { return kind_; }
  // Constant once opened.
  ChannelId id() const { return id_; }
  absl::Time opened_at() const { return absl::FromUnixNanos(opened_at_ns_); }
  // "host:port" of the client, or "". Constant once opened; lives as long as
  // the channel.
  absl::string_view remote_address() const { return remote_address_.text(); }
  bool closed() const { return liveness_.closed(); }
  // When the channel last sent a heartbeat, or was opened.
  absl::Time last_heard() const { return liveness_.last_heard(); }

 protected:
  // Copies it. Only before the channel is opened.
  void set_remote_address(absl::string_view address) {
    remote_address_.Set(address);
  }

 private:
  friend class ClientDirectory;
  friend class ClientEntry;
  friend class ClientTable;
  friend class ConsumerRegistry;
  friend class ExpiryIndex;
  friend class GroupMembers;
  friend class ProducerRegistry;
  friend class TableChange;

  // What few channels have, by group.
  struct Exceptions {
    // When it was last stated, of memberships that are left out.
    absl::flat_hash_map<const RegisteredGroup*, absl::Time> left_out;
    // The client id, of memberships under another one than the channel's.
    absl::flat_hash_map<const RegisteredGroup*, ClientEntry*> other_clients;
    // Of the rate of changes of the channel's statement; see Rate. Once it is
    // over, a scan sets it to InfinitePast.
    absl::Time changes_full_at = absl::InfinitePast();
  };

  Exceptions& exceptions() {
    if (exceptions_ == nullptr) exceptions_ = std::make_unique<Exceptions>();
    return *exceptions_;
  }
  void DropExceptionsIfNone() {
    if (exceptions_ != nullptr && exceptions_->left_out.empty() &&
        exceptions_->other_clients.empty() &&
        exceptions_->changes_full_at == absl::InfinitePast()) {
      exceptions_ = nullptr;
    }
  }
  void ForgetPastChanges(absl::Time now) {
    if (exceptions_ == nullptr || exceptions_->changes_full_at > now) return;
    exceptions_->changes_full_at = absl::InfinitePast();
    DropExceptionsIfNone();
  }
  size_t left_out_groups() const {
    return exceptions_ == nullptr ? 0 : exceptions_->left_out.size();
  }

  // When the channel last stated the group of `membership`, in full or by
  // token.
  absl::Time LastStated(const Membership& membership) const {
    return membership.left_out ? exceptions_->left_out.at(membership.group)
                               : last_heard();
  }

  // The client id under which the channel is in the group of `membership`.
  ClientEntry& ClientOf(const Membership& membership) const {
    return membership.has_other_client
               ? *exceptions_->other_clients.at(membership.group)
               : *client_;
  }

  // Own synchronisation.
  Liveness liveness_;
  // Token of the current statement; 0 if light heartbeats must be answered
  // with "full statement needed".
  std::atomic<uint64_t> statement_token_{0};

  // Guarded by the table's lock, as the ExpiryLink is.

  // Null if there are none.
  std::unique_ptr<Exceptions> exceptions_;
  absl::InlinedVector<Membership, 2> memberships_;
  // Of the first full heartbeat; null before.
  ClientEntry* client_ = nullptr;
  // The table's reference, while it has the channel.
  std::shared_ptr<ClientChannel> self_;
  // Of the first full heartbeat.
  uint64_t incarnation_ = 0;
  uint64_t stream_number_ = 0;

  // Constant once opened.
  ChannelId id_ = 0;
  int64_t opened_at_ns_ = 0;  // Since 1970: half the size of an absl::Time.
  RemoteAddress remote_address_;
  const Kind kind_;
};

using ClientChannelPtr = std::shared_ptr<ClientChannel>;

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_CHANNEL_H_
