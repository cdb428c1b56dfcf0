#include "common/rpc/server/transport_identity.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/support/string_ref.h"

namespace rmq {
namespace {

std::string Text(grpc::string_ref text) { return {text.data(), text.size()}; }

std::string FirstOf(const grpc::AuthContext& context, const char* name) {
  const std::vector<grpc::string_ref> values = context.FindPropertyValues(name);
  return values.empty() ? std::string() : Text(values.front());
}

}  // namespace

TransportIdentity ReadTransportIdentity(
    const grpc::ServerContextBase& context) {
  TransportIdentity identity;
  if (absl::StartsWith(context.peer(), "unix:")) {
    identity.kind = TransportKind::kLocal;
    return identity;
  }
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr) return identity;
  const std::string type =
      FirstOf(*auth, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  if (type != GRPC_TLS_TRANSPORT_SECURITY_TYPE &&
      type != GRPC_SSL_TRANSPORT_SECURITY_TYPE) {
    return identity;
  }
  identity.kind = TransportKind::kTls;
  identity.common_name = FirstOf(*auth, GRPC_X509_CN_PROPERTY_NAME);
  identity.spiffe_id = FirstOf(*auth, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  for (const grpc::string_ref& name :
       auth->FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME)) {
    identity.dns_names.push_back(Text(name));
  }
  return identity;
}

}  // namespace rmq
