// Where servers and channels get their gRPC credentials.
#ifndef COMMON_RPC_CREDENTIALS_CREDENTIALS_SOURCE_H_
#define COMMON_RPC_CREDENTIALS_CREDENTIALS_SOURCE_H_

#include <cstdint>
#include <memory>

#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace rmq {

// Thread-safe.
template <typename Credentials>
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;

  // Returns the credentials for a new server or channel. Never null. Cheap: a
  // client asks before each call.
  virtual std::shared_ptr<Credentials> Get() = 0;

  // Grows whenever Get() begins to return other credentials, so that the owner
  // of a server or channel can tell whether its credentials are out of date.
  virtual uint64_t generation() const = 0;
};

using ServerCredentialsSource = CredentialsSource<grpc::ServerCredentials>;
using ChannelCredentialsSource = CredentialsSource<grpc::ChannelCredentials>;

// Sources of the credentials of plain text: no encryption, no identity. They
// live as long as the process.
ServerCredentialsSource& PlaintextServerCredentials();
ChannelCredentialsSource& PlaintextChannelCredentials();

}  // namespace rmq

#endif  // COMMON_RPC_CREDENTIALS_CREDENTIALS_SOURCE_H_
