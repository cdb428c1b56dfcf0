// One long connection of one client to this broker, as the core sees it: a
// Connect stream, or the stand-in of a client's unary calls.
#ifndef BROKER_REGISTRY_CLIENT_CHANNEL_H_
#define BROKER_REGISTRY_CLIENT_CHANNEL_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_event.h"
#include "broker/registry/membership_push.h"

namespace rmq {

// The outcome of a light heartbeat.
enum class Renewal {
  kRenewed,
  // Renewed, but the token is not that of the channel's current statement: the
  // client must send a full heartbeat.
  kFullStatementNeeded,
  // The channel is closed; nothing was renewed.
  kClosed,
};

// The port through which the core reaches a client. The edge derives its stream
// from ClientChannel, opens it in the ClientTable with the stream's first full
// heartbeat, and closes it there when the stream is over.
//
// Thread-safety: the public methods are thread-safe. Nothing here takes a lock.
// Ownership: by shared_ptr. The table holds a reference to every open channel,
// the edge its own.
class ClientChannel {
 public:
  using Kind = ChannelKind;

  explicit ClientChannel(Kind kind) : record_(kind) {}
  virtual ~ClientChannel() = default;
  ClientChannel(const ClientChannel&) = delete;
  ClientChannel& operator=(const ClientChannel&) = delete;

  // A reference to this channel, for the table that opens it.
  virtual std::shared_ptr<ClientChannel> Reference() = 0;

  // Effects, called with no lock held, from any thread. They must not block,
  // and do nothing once the channel has ended.

  // Sends `push` to the client. A slow reader gets the latest push of each
  // group only; a bare one does not take the place of another that waits.
  virtual void Push(std::shared_ptr<const MembershipPush> push) = 0;
  // The table has closed the channel: tells the client why, and lets it go.
  virtual void End(const ChannelEnd& end) = 0;

  // Whether a message written now would go out at once. Called with the table's
  // lock held: an atomic load, no more.
  virtual bool writable() const = 0;

  // "host:port" of the client, or "". Constant once opened; lives as long as
  // the channel. Called with the table's lock held.
  virtual absl::string_view remote_address() const = 0;

  // A light heartbeat: renews all groups of the channel's current statement and
  // says whether `token` is that statement's. No lock, no allocation; O(1).
  // Reference: ClientManageProcessor#heartBeatV2. Differs: Java compares with a
  // fingerprint that it keeps for each group, for ever, and for all its
  // clients.
  Renewal RenewLight(uint64_t token, absl::Time now) {
    if (!record_.liveness.Renew(now)) return Renewal::kClosed;
    return IsCurrent(token) ? Renewal::kRenewed : Renewal::kFullStatementNeeded;
  }

  // The same, but renews nothing unless the token is right: for who must not
  // keep a statement alive that it may not make any more.
  Renewal RenewIfCurrent(uint64_t token, absl::Time now) {
    if (IsCurrent(token)) return RenewLight(token, now);
    return closed() ? Renewal::kClosed : Renewal::kFullStatementNeeded;
  }

  // A full heartbeat that would change nothing, as the caller knows by
  // ClientTable::statement_changes(): renews as a light one does, and returns
  // the current statement's token. 0, and nothing is renewed, if there is no
  // token or the channel is closed.
  uint64_t RenewRepeated(absl::Time now) {
    const uint64_t token =
        record_.statement_token.load(std::memory_order_relaxed);
    return token != 0 && record_.liveness.Renew(now) ? token : 0;
  }

  Kind kind() const { return record_.kind; }
  // Constant once opened.
  ChannelId id() const { return record_.id; }
  absl::Time opened_at() const {
    return absl::FromUnixNanos(record_.opened_at_ns);
  }
  bool closed() const { return record_.liveness.closed(); }
  // Whether something waits to be told to the client at its next heartbeat,
  // whichever kind that is. Asked after the heartbeat has renewed.
  bool attention() const { return record_.liveness.attention(); }
  // When the channel last sent a heartbeat, or was opened.
  absl::Time last_heard() const { return record_.liveness.last_heard(); }

 private:
  friend class ClientTable;

  bool IsCurrent(uint64_t token) const {
    return token != 0 &&
           token == record_.statement_token.load(std::memory_order_relaxed);
  }
  friend class TableQueries;

  ChannelRecord record_;
};

using ClientChannelPtr = std::shared_ptr<ClientChannel>;

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_CHANNEL_H_
