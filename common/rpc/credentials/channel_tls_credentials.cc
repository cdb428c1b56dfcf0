#include "common/rpc/credentials/channel_tls_credentials.h"

#include <string>
#include <utility>

#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"
#include "grpcpp/security/credentials.h"

namespace rmq {

TlsChannelCredentials::TlsChannelCredentials(const TlsOptions& tls,
                                             Clock* clock)
    : tls_(tls),
      clock_(*clock),
      changes_({tls.ca_file, tls.cert_file, tls.key_file}, clock) {}

absl::StatusOr<std::shared_ptr<TlsChannelCredentials>>
TlsChannelCredentials::Create(const TlsOptions& tls, Clock* clock) {
  auto source = std::make_shared<TlsChannelCredentials>(tls, clock);
  const absl::StatusOr<ClientTlsFiles> files = source->Read();
  if (!files.ok()) return files.status();
  MutexLock lock(&source->mu_);
  source->Take(*files);
  return source;
}

std::shared_ptr<grpc::ChannelCredentials> TlsChannelCredentials::Get() {
  MutexLock lock(&mu_);
  ReadIfChanged();
  return credentials_;
}

uint64_t TlsChannelCredentials::generation() const {
  MutexLock lock(&mu_);
  ReadIfChanged();
  return generation_;
}

absl::StatusOr<ClientTlsFiles> TlsChannelCredentials::Read() const {
  return ReadClientTlsFiles(tls_, clock_.ClockToWall(clock_.TimeNow()));
}

void TlsChannelCredentials::Take(const ClientTlsFiles& files) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = files.authorities;
  options.pem_cert_chain = files.certificate;
  options.pem_private_key = files.key;
  credentials_ = grpc::SslCredentials(options);
  ++generation_;
}

void TlsChannelCredentials::ReadIfChanged() const {
  if (!changes_.HaveChanged()) return;
  const absl::StatusOr<ClientTlsFiles> files = Read();
  if (files.ok()) {
    Take(*files);
    LOG(INFO) << "TLS files read anew" << Kv("ca_file", tls_.ca_file)
              << Kv("cert_file", tls_.cert_file);
  } else {
    LOG(WARNING) << "TLS files not read anew: the earlier ones stay"
                 << Kv("error", files.status().ToString());
  }
}

}  // namespace rmq
