#include "common/rpc/credentials/channel_security.h"

#include <utility>

#include "common/kv.h"
#include "common/rpc/credentials/channel_tls_credentials.h"
#include "common/security/mqv2_authorization.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// The one of the process, which nobody owns.
std::shared_ptr<ChannelCredentialsSource> PlaintextSource() {
  return {std::shared_ptr<void>(), &PlaintextChannelCredentials()};
}

}  // namespace

ChannelSecurity::ChannelSecurity(
    std::shared_ptr<ChannelCredentialsSource> source, std::string server_name,
    std::unique_ptr<CredentialsSigner> signer)
    : source_(std::move(source)),
      server_name_(std::move(server_name)),
      signer_(std::move(signer)) {}

absl::StatusOr<std::shared_ptr<ChannelSecurity>> ChannelSecurity::Create(
    const absl::optional<TlsOptions>& tls,
    const absl::optional<Credentials>& credentials, Clock* clock) {
  std::shared_ptr<ChannelCredentialsSource> source = PlaintextSource();
  if (tls.has_value()) {
    auto made = TlsChannelCredentials::Create(*tls, clock);
    if (!made.ok()) return made.status();
    source = *std::move(made);
  }
  std::unique_ptr<CredentialsSigner> signer;
  if (credentials.has_value()) {
    auto made = CredentialsSigner::Create(*credentials, clock);
    if (!made.ok()) return made.status();
    signer = *std::move(made);
  }
  return std::make_shared<ChannelSecurity>(
      std::move(source), tls.has_value() ? tls->server_name : "",
      std::move(signer));
}

const std::shared_ptr<ChannelSecurity>& ChannelSecurity::Plaintext() {
  static const auto& security = *new std::shared_ptr<ChannelSecurity>(
      std::make_shared<ChannelSecurity>(PlaintextSource(), "", nullptr));
  return security;
}

void ChannelSecurity::AddArguments(grpc::ChannelArguments* arguments) const {
  if (!server_name_.empty()) arguments->SetSslTargetNameOverride(server_name_);
}

uint64_t ChannelSecurity::generation() {
  return source_->generation() +
         (signer_ == nullptr ? 0 : signer_->generation());
}

void ChannelSecurity::Sign(grpc::ClientContext* context) {
  if (signer_ == nullptr) return;
  const absl::StatusOr<CallSignature> signature = signer_->Sign();
  if (!signature.ok()) {
    // The server answers that it does not know who calls.
    LOG(ERROR) << "a call could not be signed"
               << Kv("error", signature.status().ToString());
    return;
  }
  context->AddMetadata(std::string(kAuthorizationKey),
                       signature->authorization);
  context->AddMetadata(std::string(kMqv2DateTimeKey), signature->date_time);
}

}  // namespace rmq
