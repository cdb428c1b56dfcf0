#include "common/rpc/server/unread_answers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"

namespace rmq {

UnreadAnswers::Number UnreadAnswers::Add(std::weak_ptr<Waiter> call,
                                         ClientNetwork network, int64_t bytes) {
  if (bytes <= kSmall) return 0;
  MutexLock lock(&mu_);
  const Number number = ++last_;
  answers_.emplace_hint(answers_.end(), number,
                        Answer{std::move(call), network, bytes});
  Network& its = networks_[network];
  its.answers.insert(its.answers.end(), number);
  its.bytes += bytes;
  bytes_ += bytes;
  return number;
}

void UnreadAnswers::Remove(Number number) {
  if (number == 0) return;
  MutexLock lock(&mu_);
  TakeLocked(number);
}

std::weak_ptr<Waiter> UnreadAnswers::TakeLocked(Number number) {
  const auto found = answers_.find(number);
  if (found == answers_.end()) return {};
  Answer answer = std::move(found->second);
  answers_.erase(found);
  const auto network = networks_.find(answer.network);
  network->second.answers.erase(number);
  network->second.bytes -= answer.bytes;
  if (network->second.answers.empty()) networks_.erase(network);
  bytes_ -= answer.bytes;
  return std::move(answer.call);
}

void UnreadAnswers::Limit(ClientNetwork network) {
  while (bytes() > kMostBytesOfAnAddress) {
    std::weak_ptr<Waiter> call;
    int64_t most = kMostBytesOfAnAddress;
    {
      MutexLock lock(&mu_);
      const auto its = networks_.find(network);
      if (its != networks_.end() && its->second.bytes > most) {
        call = TakeLocked(*its->second.answers.begin());
      } else if (bytes() > kMostBytes) {
        most = kMostBytes;
        call = TakeLocked(answers_.begin()->first);
      } else {
        return;
      }
    }
    const std::shared_ptr<Waiter> ended = call.lock();
    if (ended == nullptr) continue;
    ended->EndIfWaiting(OverLimit(absl::StrCat(
        "answers that wait to be read must be at most ", most, " bytes ",
        most == kMostBytes ? "together" : "of one address")));
  }
}

size_t UnreadAnswers::addresses() const {
  MutexLock lock(&mu_);
  return networks_.size();
}

}  // namespace rmq
