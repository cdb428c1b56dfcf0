// The addresses whose connections were ended lately.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_ENDED_ADDRESSES_H_
#define COMMON_RPC_SERVER_ACCEPTOR_ENDED_ADDRESSES_H_

#include <array>
#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/client_network.h"

namespace rmq {

// Remembers when connections of an address were ended for what they cost. After
// kEndsToHold of them within kPeriod the address is held for kHold: no new
// connection of it is let in. One that was ended makes it suspect for kPeriod.
//
// Not thread-safe.
class EndedAddresses {
 public:
  static constexpr size_t kEndsToHold = 3;
  static constexpr absl::Duration kPeriod = absl::Seconds(10);
  static constexpr absl::Duration kHold = absl::Seconds(2);
  // Addresses that are remembered. Beyond these the one whose last connection
  // was ended longest ago is forgotten.
  static constexpr size_t kMost = 1'000;

  // A connection of `address` was ended.
  void Note(ClientNetwork address, absl::Time now);
  bool IsHeld(ClientNetwork address, absl::Time now) const;
  bool IsSuspect(ClientNetwork address, absl::Time now) const;

 private:
  struct Ends {
    // The last ones, the oldest first.
    std::array<absl::Time, kEndsToHold> at;
    absl::Time held_until = absl::InfinitePast();
  };

  absl::flat_hash_map<ClientNetwork, Ends> ends_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_ENDED_ADDRESSES_H_
