// How a client's channels are secured, and how its calls say who calls.
#ifndef COMMON_RPC_CREDENTIALS_CHANNEL_SECURITY_H_
#define COMMON_RPC_CREDENTIALS_CHANNEL_SECURITY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "common/clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/credentials.h"
#include "common/security/credentials_signer.h"
#include "common/security/tls_options.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/channel_arguments.h"

namespace rmq {

// One for all channels and calls of a client. Thread-safe.
class ChannelSecurity {
 public:
  // Without `tls` channels are in plain text; without `credentials` calls say
  // nothing of who calls. Both must validate. `clock` is borrowed.
  //
  // Errors name the file and the reason: those of ReadClientTlsFiles() and
  // ReadCredentialsFile().
  static absl::StatusOr<std::shared_ptr<ChannelSecurity>> Create(
      const absl::optional<TlsOptions>& tls,
      const absl::optional<Credentials>& credentials, Clock* clock);

  // Plain text, and nothing of who calls. It lives as long as the process.
  static const std::shared_ptr<ChannelSecurity>& Plaintext();

  // An empty `server_name` is the host of the channel's target. A null `signer`
  // says nothing of who calls.
  ChannelSecurity(std::shared_ptr<ChannelCredentialsSource> source,
                  std::string server_name,
                  std::unique_ptr<CredentialsSigner> signer);

  // The credentials of new channels.
  ChannelCredentialsSource& credentials() { return *source_; }

  // Adds what new channels need besides their credentials.
  void AddArguments(grpc::ChannelArguments* arguments) const;

  // Adds the metadata that says who calls. Once for each call, before it
  // begins.
  void Sign(grpc::ClientContext* context);

  // Grows whenever new channels or calls begin to say something else of who
  // calls, or to trust others.
  uint64_t generation();

 private:
  const std::shared_ptr<ChannelCredentialsSource> source_;
  const std::string server_name_;
  const std::unique_ptr<CredentialsSigner> signer_;
};

}  // namespace rmq

#endif  // COMMON_RPC_CREDENTIALS_CHANNEL_SECURITY_H_
