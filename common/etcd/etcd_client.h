// EtcdCalls over gRPC.
#ifndef COMMON_ETCD_ETCD_CLIENT_H_
#define COMMON_ETCD_ETCD_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/clock.h"
#include "common/etcd/etcd_calls.h"
#include "common/etcd/etcd_options.h"

namespace rmq {

// Asks one endpoint until that fails, and then the next one: a call asks each
// endpoint once at most. An answer of a member that has no leader counts as a
// failure, and so does the end of a member's leader during a watch.
//
// Has no thread: a call polls gRPC while it lasts, and at no other time, so
// that a broker's loop (completion_loop.h) is not disturbed in between.
//
// Thread-safety: as EtcdCalls.
class EtcdClient final : public EtcdCalls {
 public:
  // `options` must validate. `clock` is borrowed; it is asked for the times of
  // TLS files only. FailedPrecondition, with the file and the reason, if a file
  // of TLS is wrong. Connects at the first call.
  static absl::StatusOr<std::unique_ptr<EtcdClient>> Create(
      const EtcdOptions& options, Clock* clock);

  // Waits up to 250 ms for connections that are being made.
  ~EtcdClient() override;

  absl::StatusOr<int64_t> GrantLease(absl::Duration ttl) override;
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease) override;
  absl::Status RevokeLease(int64_t lease) override;
  absl::StatusOr<absl::optional<EtcdValue>> Get(
      const std::string& key) override;
  absl::StatusOr<bool> PutIf(const std::string& key, int64_t mod_revision,
                             const std::string& value, int64_t lease) override;
  absl::StatusOr<EtcdListing> List(const std::string& prefix,
                                   size_t most) override;
  absl::StatusOr<std::unique_ptr<EtcdWatch>> Watch(
      const std::string& prefix, int64_t from_revision) override;
  void Cancel() override;

 private:
  class Impl;
  explicit EtcdClient(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // COMMON_ETCD_ETCD_CLIENT_H_
