// The TLS credentials of a client's channels, from files.
#ifndef COMMON_RPC_CREDENTIALS_CHANNEL_TLS_CREDENTIALS_H_
#define COMMON_RPC_CREDENTIALS_CHANNEL_TLS_CREDENTIALS_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/file_changes.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/client_tls_files.h"
#include "common/security/tls_options.h"

namespace rmq {

// Reads the files anew when one of them has changed, at most once a second, in
// the call that asks: there is no thread for it. Files that are then wrong,
// such as a certificate whose new key is not there yet, are logged once each
// time they have changed, and the earlier credentials stay.
//
// Differs: gRPC's own watching of files takes half-written files, and then
// every handshake fails.
//
// Thread-safe. `clock` is borrowed.
class TlsChannelCredentials final : public ChannelCredentialsSource {
 public:
  // `tls` must validate. Errors: those of ReadClientTlsFiles().
  static absl::StatusOr<std::shared_ptr<TlsChannelCredentials>> Create(
      const TlsOptions& tls, Clock* clock);

  TlsChannelCredentials(const TlsOptions& tls, Clock* clock);

  std::shared_ptr<grpc::ChannelCredentials> Get() override
      ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t generation() const override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::StatusOr<ClientTlsFiles> Read() const;
  void Take(const ClientTlsFiles& files) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ReadIfChanged() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const TlsOptions tls_;
  Clock& clock_;
  mutable absl::Mutex mu_;
  mutable FileChanges changes_ ABSL_GUARDED_BY(mu_);
  mutable std::shared_ptr<grpc::ChannelCredentials> credentials_
      ABSL_GUARDED_BY(mu_);
  mutable uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_CREDENTIALS_CHANNEL_TLS_CREDENTIALS_H_
