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
                           absl::string_view peer, size_t most,
                           std::unique_ptr<Place>* place) {
  const ClientNetwork network = ClientNetworkOf(peer);
  // No topic has a line feed in its name.
  auto taken = std::make_unique<Place>(
      this, network, absl::StrCat(topic, "\n", client_id, "\n", network));
  CallStatus status;
  {
    MutexLock lock(&mu_);
    // All three are counted, so that the place can leave them.
    size_t& of_network = networks_[taken->network_];
    size_t& of_client = clients_[taken->of_];
    if (size_ >= kMost) {
      status = TooMany("", kMost);
    } else if (of_network >= kMostOfNetwork) {
      status = TooMany(" of one address", kMostOfNetwork);
    } else if (of_client >= most) {
      status = TooMany(absl::StrCat(" of client ", Quoted(client_id),
                                    " for topic ", Quoted(topic)),
                       most);
    }
    ++size_;
    ++of_network;
    ++of_client;
  }
  if (status.ok()) place->swap(taken);
  return status;
}

void HeldCalls::Leave(const Place& place) {
  MutexLock lock(&mu_);
  --size_;
  Lessen(networks_, place.network_);
  Lessen(clients_, place.of_);
}

size_t HeldCalls::size() const {
  MutexLock lock(&mu_);
  return size_;
}

}  // namespace rmq
