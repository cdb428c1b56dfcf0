// The audit lines of admin methods.
#ifndef BROKER_FRONTS_ADMIN_WRITE_AUDIT_H_
#define BROKER_FRONTS_ADMIN_WRITE_AUDIT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/admin/admin_method.h"
#include "broker/logging/audit_log.h"
#include "common/kv.h"
#include "common/rpc/server/peer_address.h"

namespace rmq {

// Writes "ACTION peer=... principal=... DETAILS": what an operator does, and
// who it is. `action` is a literal; `changes`: whether it changes anything;
// `channels`: how many it takes out.
inline void WriteAudit(const AdminCall& call, absl::string_view action,
                       bool changes, int64_t channels,
                       absl::string_view details) {
  const Peer& peer = call.context.peer;
  call.broker.audit->Write(
      {action,
       absl::StrCat(Kv("peer", peer.address),
                    Kv("principal",
                       peer.principal.empty() ? "anonymous" : peer.principal),
                    details),
       HostOf(peer.address), changes, channels});
}

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_WRITE_AUDIT_H_
