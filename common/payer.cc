#include "common/payer.h"

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "common/client_network.h"
#include "common/validation.h"

namespace rmq {

Payer PayerOf(absl::string_view principal, ClientNetwork network) {
  if (principal.empty()) return {network, /*is_principal=*/false};
  return {absl::Hash<absl::string_view>()(principal), /*is_principal=*/true};
}

std::string PayerForMessage(absl::string_view principal,
                            absl::string_view address) {
  if (!principal.empty()) return absl::StrCat("user ", Quoted(principal));
  return std::string(HostForMessage(address));
}

}  // namespace rmq
