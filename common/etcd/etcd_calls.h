// What this project asks of etcd: the seam between the state machines and gRPC.
#ifndef COMMON_ETCD_ETCD_CALLS_H_
#define COMMON_ETCD_ETCD_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace rmq {

// A key of etcd, with its value.
struct EtcdValue {
  std::string key;
  std::string value;
  // The revision of its last change.
  int64_t mod_revision = 0;
  // 0: the key has none.
  int64_t lease = 0;
};

// The keys with a prefix, all at one revision.
struct EtcdListing {
  int64_t revision = 0;
  // In the order of the keys.
  std::vector<EtcdValue> values;
};

// A change of one key.
struct EtcdChange {
  std::string key;
  // None: the key was deleted, or ended with its lease.
  absl::optional<EtcdValue> value;
};

// The changes of the keys with a prefix, as they come. One thread uses it. It
// must be gone before the EtcdCalls that made it.
class EtcdWatch {
 public:
  virtual ~EtcdWatch() = default;

  // Blocks until there are changes, for `timeout` at most. An empty list: there
  // are none yet. An error is the end of the watch, and the changes since the
  // last ones are lost: OutOfRange if the revision that it began with is no
  // longer kept (compaction), otherwise why the connection or the server ended
  // it; Cancelled after EtcdCalls::Cancel().
  virtual absl::StatusOr<std::vector<EtcdChange>> Next(
      absl::Duration timeout) = 0;
};

// Each method blocks, for a bounded time, and returns an error that names the
// endpoint and says what etcd said: Unavailable or DeadlineExceeded if no
// endpoint answers or there is no leader; Unauthenticated or PermissionDenied
// if etcd does not know, or does not allow, the user; ResourceExhausted if etcd
// is full; Cancelled after Cancel().
//
// Thread-safety: one thread uses it; any thread may call Cancel().
class EtcdCalls {
 public:
  virtual ~EtcdCalls() = default;

  // Returns a new lease that lives for `ttl`, in whole seconds.
  virtual absl::StatusOr<int64_t> GrantLease(absl::Duration ttl) = 0;
  // Renews the lease from now on. Returns its whole time; NotFound if there is
  // no such lease any more.
  virtual absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease) = 0;
  // Ends the lease, and deletes the keys that it has.
  virtual absl::Status RevokeLease(int64_t lease) = 0;

  // Returns the value of `key`; none if there is no such key.
  virtual absl::StatusOr<absl::optional<EtcdValue>> Get(
      const std::string& key) = 0;
  // Puts the key with the lease if the key's last change is `mod_revision`; 0:
  // if there is no such key. Returns whether it did.
  virtual absl::StatusOr<bool> PutIf(const std::string& key,
                                     int64_t mod_revision,
                                     const std::string& value,
                                     int64_t lease) = 0;
  // Returns the keys with the prefix. ResourceExhausted if there are more than
  // `most`.
  virtual absl::StatusOr<EtcdListing> List(const std::string& prefix,
                                           size_t most) = 0;
  // Watches the keys with the prefix from the revision on.
  virtual absl::StatusOr<std::unique_ptr<EtcdWatch>> Watch(
      const std::string& prefix, int64_t from_revision) = 0;

  // Ends what blocks, at once, and all that is called afterwards, also of
  // watches, with Cancelled.
  virtual void Cancel() = 0;
};

}  // namespace rmq

#endif  // COMMON_ETCD_ETCD_CALLS_H_
