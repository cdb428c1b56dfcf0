#include "broker/fronts/rocketmq_v2/held_calls.h"

#include "absl/strings/str_cat.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {
namespace {

CallStatus TooMany(absl::string_view whose, size_t most) {
  return SdkError(v2::NOT_IMPLEMENTED,
                  absl::StrCat("calls of ReceiveMessage that are held", whose,
                               " must be at most ", most));
}

template <typename Key>
void Lessen(absl::flat_hash_map<Key, size_t>& counts, const Key& key) {
  const auto found = counts.find(key);
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

CallStatus HeldCalls::Take(absl::string_view client_id, absl::string_view topic,
                           const Peer& peer, size_t most,
                           std::unique_ptr<Place>* place) {
  // No topic has a line feed in its name.
  auto taken = std::make_unique<Place>(
      this, peer.payer(),
      absl::StrCat(topic, "\n", client_id, "\n", peer.network));
  CallStatus status;
  {
    MutexLock lock(&mu_);
    // All three are counted, so that the place can leave them.
    size_t& of_payer = payers_[taken->payer_];
    size_t& of_client = clients_[taken->of_];
    if (size_ >= kMost) {
      status = TooMany("", kMost);
    } else if (of_payer >= kMostOfPayer) {
      status = TooMany(
          taken->payer_.is_principal ? " of one user" : " of one address",
          kMostOfPayer);
    } else if (of_client >= most) {
      status = TooMany(absl::StrCat(" of client ", Quoted(client_id),
                                    " for topic ", Quoted(topic)),
                       most);
    }
    ++size_;
    ++of_payer;
    ++of_client;
  }
  if (status.ok()) place->swap(taken);
  return status;
}

void HeldCalls::Leave(const Place& place) {
  MutexLock lock(&mu_);
  --size_;
  Lessen(payers_, place.payer_);
  Lessen(clients_, place.of_);
}

size_t HeldCalls::size() const {
  MutexLock lock(&mu_);
  return size_;
}

}  // namespace rmq
