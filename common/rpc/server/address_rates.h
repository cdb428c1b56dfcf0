// How much the clients of one address may ask for by unary calls.
#ifndef COMMON_RPC_SERVER_ADDRESS_RATES_H_
#define COMMON_RPC_SERVER_ADDRESS_RATES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/response_code.h"

namespace rmq {

// A token bucket for each address and kind of amount. A channel has its own
// limit of frames; unary calls have no channel, and one can cost a thousand
// times what another does, so they are weighed.
//
// What is asked for first and known afterwards may overdraw a bucket: the next
// calls wait for that. So no call is too large to be answered ever.
//
// An address is a host, or the /64 network of an IPv6 one, which one client has
// to itself. Thread-safe.
class AddressRates {
 public:
  enum class Kind {
    // Of unary requests, and what compressed messages are inflated to, on
    // streams too.
    kBytes,
    // Stated or left by unary requests.
    kGroups,
    // Of listings.
    kRows,
  };
  static constexpr size_t kKinds = 3;

  // A second and address; kBurst times as much at once after a pause. 0: no
  // limit.
  struct Options {
    int64_t max_unary_bytes_rate = 4 * 1024 * 1024;
    int64_t max_unary_groups_rate = 2'000;
    int64_t max_listed_rows_rate = 100'000;

    // InvalidArgument naming the field that makes no sense.
    absl::Status Validate() const;
  };
  static constexpr int kBurst = 2;

  // Addresses that are known at once. One whose buckets are full again is
  // forgotten; of more that are not, the later ones share one place.
  static constexpr size_t kMostAddresses = 10'000;

  // `options` must validate.
  explicit AddressRates(const Options& options);

  // Whether the client at `peer` ("host:port") has some of the kind left. If
  // not RESOURCE_EXHAUSTED, which says how much there is a second, and when to
  // come again.
  CallStatus Check(Kind kind, absl::string_view peer, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Takes `amount` away from it, which may be more than there is.
  void Take(Kind kind, absl::string_view peer, int64_t amount, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // When each bucket will be full again.
  using Buckets = std::array<absl::Time, kKinds>;

  Buckets& FindLocked(absl::string_view peer, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::array<int64_t, kKinds> rates_;
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Buckets> addresses_ ABSL_GUARDED_BY(mu_);
  // When the addresses were last looked through for those to be forgotten.
  absl::Time swept_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ADDRESS_RATES_H_
