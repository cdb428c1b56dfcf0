// How many calls are held, and whose.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_HELD_CALLS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_HELD_CALLS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/payer.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"

namespace rmq {

// Bounds the calls that are held: in all, of one payer, and of one client and
// topic. Thread-safe; outlives its places.
class HeldCalls {
 public:
  static constexpr size_t kMost = 20'000;
  static constexpr size_t kMostOfPayer = kMost / 2;

  // A held call's place, until it is destroyed.
  class Place {
   public:
    Place(HeldCalls* calls, const Payer& payer, std::string of)
        : calls_(*calls), payer_(payer), of_(std::move(of)) {}
    ~Place() { calls_.Leave(*this); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    friend class HeldCalls;

    HeldCalls& calls_;
    const Payer payer_;
    const std::string of_;
  };

  // Takes a place for a call of `client_id` for `topic`, from `peer`; the
  // client may have `most` for the topic. NOT_IMPLEMENTED, saying which bound
  // is reached, if there is none, and `place` stays as it is.
  CallStatus Take(absl::string_view client_id, absl::string_view topic,
                  const Peer& peer, size_t most, std::unique_ptr<Place>* place)
      ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Leave(const Place& place) ABSL_LOCKS_EXCLUDED(mu_);

  mutable absl::Mutex mu_;
  size_t size_ ABSL_GUARDED_BY(mu_) = 0;
  // Both have those that are not 0. The second is by topic, client id and
  // network.
  absl::flat_hash_map<Payer, size_t> payers_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, size_t> clients_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_HELD_CALLS_H_
