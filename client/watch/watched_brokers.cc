#include "client/watch/watched_brokers.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/types/optional.h"
#include "client/session/unlisted_stay.h"

namespace rmq {

// The watch of one broker.
class WatchedBrokers::Watch final : private WatchSession::Observer {
 public:
  Watch(WatchedBrokers* brokers, BrokerEntry entry)
      : brokers_(*brokers),
        entry_(std::move(entry)),
        stub_(brokers->new_stub_(entry_.address)),
        session_(brokers->options_, &brokers->loop_, stub_.get(), this,
                 brokers->random_) {}

  // Its address does not change.
  void set_entry(const BrokerEntry& entry) { entry_ = entry; }
  const BrokerEntry& entry() const { return entry_; }
  void SetListed() {
    listed_ = true;
    stay_.reset();
  }
  // `listed` does not have it.
  void SetUnlisted(const std::vector<BrokerEntry>& listed,
                   absl::Duration stay) {
    const bool was_listed = std::exchange(listed_, false);
    if (stay <= absl::ZeroDuration() || HasMoved(entry_, listed)) {
      stay_.reset();
    } else if (was_listed && connected_) {
      stay_.emplace(stay, brokers_.random_(), brokers_.loop_.Now());
    }
  }
  // Notes how it stands with the broker, if it is not listed.
  void Review(absl::Time now) {
    if (stay_.has_value()) stay_->Note(standing(), now);
  }
  // The observer has room again.
  void OnRoom() {
    const absl::Time now = brokers_.loop_.Now();
    Review(now);  // The time without room does not count.
    session_.OnRoom();
    Review(now);
  }
  // When it is to be left, unless something happens.
  absl::Time leave_at() const {
    if (listed_) return absl::InfiniteFuture();
    return stay_.has_value() ? stay_->leave_at() : absl::InfinitePast();
  }
  WatchSession& session() { return session_; }

 private:
  void OnState(const WatchState& state) override {
    connected_ = state.connected;
    brokers_.observer_.OnState(entry_.address, state);
    if (!stay_.has_value()) return;
    Review(brokers_.loop_.Now());
    brokers_.RearmStays();
  }
  void OnSynced(const WatchPosition& position) override {
    brokers_.observer_.OnSynced(entry_.address, position);
  }
  void OnEvent(const WatchedEvent& event) override {
    brokers_.observer_.OnEvent(entry_.address, event);
  }
  void OnGap(const WatchGap& gap) override {
    brokers_.observer_.OnGap(entry_.address, gap);
  }
  bool HasRoom() override { return brokers_.observer_.HasRoom(); }

  UnlistedStay::Standing standing() const {
    if (connected_) return UnlistedStay::Standing::kAnswers;
    if (IsSentAway(session_.last_end())) return UnlistedStay::Standing::kGone;
    return session_.found_it_full() || session_.waits_for_room()
               ? UnlistedStay::Standing::kAnswers
               : UnlistedStay::Standing::kCutOff;
  }

  WatchedBrokers& brokers_;
  BrokerEntry entry_;
  bool listed_ = true;
  bool connected_ = false;
  absl::optional<UnlistedStay> stay_;  // Of one that is not listed.
  const std::unique_ptr<WatchStub> stub_;
  WatchSession session_;
};

WatchedBrokers::WatchedBrokers(
    WatchSession::Options options, EventLoop* loop,
    std::function<std::unique_ptr<WatchStub>(const std::string&)> new_stub,
    Observer* observer, std::function<double()> random)
    : options_(std::move(options)),
      loop_(*loop),
      new_stub_(std::move(new_stub)),
      observer_(*observer),
      random_(std::move(random)) {}

WatchedBrokers::~WatchedBrokers() {
  if (stays_timer_ != 0) loop_.Cancel(stays_timer_);
}

void WatchedBrokers::SetBrokers(const std::vector<BrokerEntry>& listed,
                                absl::Duration stay) {
  const std::vector<BrokerEntry> before = brokers();
  // Those of the list in its order, then the others in theirs.
  std::vector<std::unique_ptr<Watch>> watches;
  std::vector<Watch*> added;
  for (const BrokerEntry& entry : listed) {
    const auto found = std::find_if(
        watches_.begin(), watches_.end(), [&entry](const auto& watch) {
          return watch != nullptr && watch->entry().address == entry.address;
        });
    if (found == watches_.end()) {
      watches.push_back(std::make_unique<Watch>(this, entry));
      added.push_back(watches.back().get());
    } else {
      watches.push_back(std::move(*found));
      watches.back()->set_entry(entry);
      watches.back()->SetListed();
    }
  }
  watches_.erase(std::remove(watches_.begin(), watches_.end(), nullptr),
                 watches_.end());
  for (const auto& watch : watches_) watch->SetUnlisted(listed, stay);
  Leave();
  const size_t room = kMaxBrokers - std::min(kMaxBrokers, watches.size());
  const size_t surplus = watches_.size() - std::min(watches_.size(), room);
  std::move(watches_.begin() + static_cast<std::ptrdiff_t>(surplus),
            watches_.end(), std::back_inserter(watches));
  watches_ = std::move(watches);
  RearmStays();
  const std::vector<BrokerEntry> now = brokers();
  if (now != before) observer_.OnBrokers(now);
  for (Watch* const watch : added) watch->session().Start();
}

void WatchedBrokers::OnRoom() {
  for (const auto& watch : watches_) watch->OnRoom();
  RearmStays();
}

const MembershipReplay* WatchedBrokers::MembersAt(
    absl::string_view address) const {
  Watch* const watch = Find(address);
  return watch != nullptr && watch->session().synced()
             ? &watch->session().members()
             : nullptr;
}

std::vector<BrokerEntry> WatchedBrokers::brokers() const {
  std::vector<BrokerEntry> brokers;
  brokers.reserve(watches_.size());
  for (const auto& watch : watches_) brokers.push_back(watch->entry());
  return brokers;
}

WatchedBrokers::Watch* WatchedBrokers::Find(absl::string_view address) const {
  for (const auto& watch : watches_) {
    if (watch->entry().address == address) return watch.get();
  }
  return nullptr;
}

void WatchedBrokers::RearmStays() {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& watch : watches_) next = std::min(next, watch->leave_at());
  if (stays_timer_ != 0) loop_.Cancel(std::exchange(stays_timer_, 0));
  if (next == absl::InfiniteFuture()) return;
  stays_timer_ = loop_.RunAt(next, [this] {
    stays_timer_ = 0;
    if (Leave()) observer_.OnBrokers(brokers());
    RearmStays();
  });
}

bool WatchedBrokers::Leave() {
  const absl::Time now = loop_.Now();
  for (const auto& watch : watches_) watch->Review(now);
  const auto left = std::remove_if(
      watches_.begin(), watches_.end(),
      [now](const auto& watch) { return watch->leave_at() <= now; });
  const bool any = left != watches_.end();
  watches_.erase(left, watches_.end());
  return any;
}

}  // namespace rmq
