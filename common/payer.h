// Who pays for what a client takes of a limit.
#ifndef COMMON_PAYER_H_
#define COMMON_PAYER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/client_network.h"

namespace rmq {

// A client's principal; the ClientNetwork of its address while it is anonymous.
// So distinct users behind one address do not share what an address may take,
// and a user with many addresses takes no more than one may.
//
// A value, for keys.
struct Payer {
  // A ClientNetwork; or a number of the principal, as whoever counts numbers
  // principals.
  uint64_t number = 0;
  bool is_principal = false;

  friend bool operator==(const Payer& a, const Payer& b) {
    return a.number == b.number && a.is_principal == b.is_principal;
  }
  friend bool operator!=(const Payer& a, const Payer& b) { return !(a == b); }
  template <typename H>
  friend H AbslHashValue(H state, const Payer& payer) {
    return H::combine(std::move(state), payer.number, payer.is_principal);
  }
};

// `principal`: the user that was identified; empty: anonymous. A principal's
// number is a hash of its name: two principals share what one may take with a
// probability of 2^-64.
Payer PayerOf(absl::string_view principal, ClientNetwork network);

// For messages: `user "pay"`, or HostForMessage() of the address.
std::string PayerForMessage(absl::string_view principal,
                            absl::string_view address);

}  // namespace rmq

#endif  // COMMON_PAYER_H_
