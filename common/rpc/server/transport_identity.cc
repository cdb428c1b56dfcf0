#include "common/rpc/server/transport_identity.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "grpc/grpc_security.h"
#include "grpc/grpc_security_constants.h"
#include "grpc/support/alloc.h"

namespace rmq {
namespace {

using AuthContext =
    std::unique_ptr<grpc_auth_context, decltype(&grpc_auth_context_release)>;

std::vector<std::string> AllOf(const AuthContext& context, const char* name) {
  std::vector<std::string> values;
  grpc_auth_property_iterator properties =
      grpc_auth_context_find_properties_by_name(context.get(), name);
  while (const grpc_auth_property* property =
             grpc_auth_property_iterator_next(&properties)) {
    values.emplace_back(property->value, property->value_length);
  }
  return values;
}

std::string FirstOf(const AuthContext& context, const char* name) {
  std::vector<std::string> values = AllOf(context, name);
  return values.empty() ? std::string() : std::move(values.front());
}

bool IsLocal(grpc_call* call) {
  const std::unique_ptr<char, decltype(&gpr_free)> peer(
      grpc_call_get_peer(call), &gpr_free);
  return absl::StartsWith(peer.get(), "unix:");
}

}  // namespace

TransportIdentity ReadTransportIdentity(grpc_call* call) {
  TransportIdentity identity;
  if (IsLocal(call)) {
    identity.kind = TransportKind::kLocal;
    return identity;
  }
  const AuthContext auth(grpc_call_auth_context(call),
                         &grpc_auth_context_release);
  if (auth == nullptr) return identity;
  const std::string type =
      FirstOf(auth, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  if (type != GRPC_TLS_TRANSPORT_SECURITY_TYPE &&
      type != GRPC_SSL_TRANSPORT_SECURITY_TYPE) {
    return identity;
  }
  identity.kind = TransportKind::kTls;
  identity.common_name = FirstOf(auth, GRPC_X509_CN_PROPERTY_NAME);
  identity.spiffe_id = FirstOf(auth, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  identity.dns_names = AllOf(auth, GRPC_PEER_DNS_PROPERTY_NAME);
  return identity;
}

}  // namespace rmq
