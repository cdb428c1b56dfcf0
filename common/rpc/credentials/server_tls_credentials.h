// The TLS credentials of a server, whose files may be replaced while it runs.
#ifndef COMMON_RPC_CREDENTIALS_SERVER_TLS_CREDENTIALS_H_
#define COMMON_RPC_CREDENTIALS_SERVER_TLS_CREDENTIALS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/memory_file.h"
#include "common/security/server_certificates.h"
#include "common/security/server_tls_options.h"
#include "grpcpp/security/server_credentials.h"

namespace rmq {

// The credentials stay the same; what they are made of changes with Reload():
// handshakes that begin kReloadLimit later use the new certificates.
// Connections that are open go on.
//
// gRPC reads files each second, whatever they contain. So it reads copies in
// memory, of files that were checked; and the key and the certificate are one
// copy, so that they always fit.
//
// Thread-safe.
class ServerTlsCredentials final : public ServerCredentialsSource {
 public:
  // By this time after Reload() gRPC has taken what is new.
  static constexpr absl::Duration kReloadLimit = absl::Seconds(3);

  // `options` must validate, and be on. Borrows `clock`, which tells by its
  // wall time whether certificates are valid. Returns what
  // ReadServerCertificates() or MemoryFile::Create() return if they fail.
  static absl::StatusOr<std::unique_ptr<ServerTlsCredentials>> Create(
      const ServerTlsOptions& options, Clock* clock);

  // Reads the files anew. If they are wrong, returns what
  // ReadServerCertificates() does, and nothing changes.
  absl::Status Reload() ABSL_LOCKS_EXCLUDED(mu_);

  // What to watch for changes: the files, and the directory of revocation
  // lists.
  std::vector<std::string> paths() const;

  // When the first of the certificates that the server shows expires, by the
  // wall clock.
  absl::Time not_after() const {
    return absl::FromUnixSeconds(
        not_after_seconds_.load(std::memory_order_relaxed));
  }

  std::shared_ptr<grpc::ServerCredentials> Get() override {
    return credentials_;
  }
  uint64_t generation() const override { return 1; }

 private:
  ServerTlsCredentials(const ServerTlsOptions& options, Clock* clock,
                       ServerCertificates certificates, MemoryFile identity,
                       MemoryFile client_ca);

  const ServerTlsOptions options_;
  Clock& clock_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::atomic<int64_t> not_after_seconds_;

  absl::Mutex mu_;
  // As the copies have them.
  ServerCertificates certificates_ ABSL_GUARDED_BY(mu_);
  MemoryFile identity_ ABSL_GUARDED_BY(mu_);
  MemoryFile client_ca_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_CREDENTIALS_SERVER_TLS_CREDENTIALS_H_
