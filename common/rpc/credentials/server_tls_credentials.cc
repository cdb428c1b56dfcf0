#include "common/rpc/credentials/server_tls_credentials.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace rmq {
namespace {

// How often gRPC looks at the copies, in seconds: the least that it allows.
constexpr unsigned int kLookSeconds = 1;

grpc_ssl_client_certificate_request_type RequestOf(
    ClientCertificates certificates) {
  switch (certificates) {
    case ClientCertificates::kOff: break;
    case ClientCertificates::kOptional:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    case ClientCertificates::kRequired:
      return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
}

// The copy of the identity. gRPC reads revocation lists anew only when the key
// or a certificate has changed, so the copy changes with the lists, by a line
// that is no PEM.
std::string IdentityCopy(const ServerCertificates& certificates) {
  return absl::StrCat(certificates.identity,
                      "\nlists: ", certificates.revocation_digest, "\n");
}

std::shared_ptr<grpc::ServerCredentials> MakeCredentials(
    const ServerTlsOptions& options, const std::string& identity_path,
    const std::string& client_ca_path) {
  const bool asks = options.client_certificates != ClientCertificates::kOff;
  grpc::experimental::TlsServerCredentialsOptions tls(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          identity_path, identity_path, asks ? client_ca_path : "",
          kLookSeconds));
  tls.watch_identity_key_cert_pairs();
  if (asks) tls.watch_root_certs();
  tls.set_cert_request_type(RequestOf(options.client_certificates));
  if (!options.crl_directory.empty()) {
    tls.set_crl_directory(options.crl_directory);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerTlsCredentials>>
ServerTlsCredentials::Create(const ServerTlsOptions& options, Clock* clock) {
  absl::StatusOr<ServerCertificates> read =
      ReadServerCertificates(options, clock->ClockToWall(clock->TimeNow()));
  if (!read.ok()) return read.status();
  absl::StatusOr<MemoryFile> identity = MemoryFile::Create(IdentityCopy(*read));
  if (!identity.ok()) return identity.status();
  absl::StatusOr<MemoryFile> client_ca = MemoryFile::Create(read->client_ca);
  if (!client_ca.ok()) return client_ca.status();
  return std::unique_ptr<ServerTlsCredentials>(
      new ServerTlsCredentials(options, clock, *std::move(read),
                               *std::move(identity), *std::move(client_ca)));
}

ServerTlsCredentials::ServerTlsCredentials(const ServerTlsOptions& options,
                                           Clock* clock,
                                           ServerCertificates certificates,
                                           MemoryFile identity,
                                           MemoryFile client_ca)
    : options_(options),
      clock_(*clock),
      credentials_(MakeCredentials(options, identity.path(), client_ca.path())),
      not_after_seconds_(absl::ToUnixSeconds(certificates.not_after)),
      certificates_(std::move(certificates)),
      identity_(std::move(identity)),
      client_ca_(std::move(client_ca)) {}

absl::Status ServerTlsCredentials::Reload() {
  MutexLock lock(&mu_);
  absl::StatusOr<ServerCertificates> read =
      ReadServerCertificates(options_, clock_.ClockToWall(clock_.TimeNow()));
  if (!read.ok()) return read.status();
  if (*read == certificates_) return absl::OkStatus();
  if (read->client_ca != certificates_.client_ca) {
    const absl::Status status = client_ca_.Replace(read->client_ca);
    if (!status.ok()) return status;
    certificates_.client_ca = read->client_ca;
  }
  const absl::Status status = identity_.Replace(IdentityCopy(*read));
  if (!status.ok()) return status;
  not_after_seconds_.store(absl::ToUnixSeconds(read->not_after),
                           std::memory_order_relaxed);
  certificates_ = *std::move(read);
  return absl::OkStatus();
}

std::vector<std::string> ServerTlsCredentials::paths() const {
  std::vector<std::string> paths = {options_.cert_file, options_.key_file};
  for (const std::string& path :
       {options_.client_ca_file, options_.crl_directory}) {
    if (!path.empty()) paths.push_back(path);
  }
  return paths;
}

}  // namespace rmq
