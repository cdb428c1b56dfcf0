#include "client/watch/watched_brokers.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

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
  ~Watch() { SetStayTimer(absl::InfiniteFuture()); }

  // Its address does not change.
  void set_entry(const BrokerEntry& entry) { entry_ = entry; }
  const BrokerEntry& entry() const { return entry_; }
  void SetListed() {
    listed_ = true;
    SetStayTimer(absl::InfiniteFuture());
  }
  // Once it is listed no more it stays so long.
  void SetUnlisted(absl::Duration stay) {
    if (!std::exchange(listed_, false)) return;
    SetStayTimer(brokers_.loop_.Now() + stay);
  }
  // Whether it is watched on.
  bool stays() const {
    return listed_ || (connected_ && brokers_.loop_.Now() < stays_until_);
  }
  WatchSession& session() { return session_; }

 private:
  void OnState(const WatchState& state) override {
    connected_ = state.connected;
    brokers_.observer_.OnState(entry_.address, state);
    if (!listed_ && !connected_) brokers_.LeaveSoon();
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

  void SetStayTimer(absl::Time until) {
    if (stay_timer_ != 0) brokers_.loop_.Cancel(std::exchange(stay_timer_, 0));
    stays_until_ = until;
    if (until == absl::InfiniteFuture()) return;
    stay_timer_ = brokers_.loop_.RunAt(until, [this] {
      stay_timer_ = 0;
      brokers_.LeaveSoon();
    });
  }

  WatchedBrokers& brokers_;
  BrokerEntry entry_;
  bool listed_ = true;
  bool connected_ = false;
  absl::Time stays_until_ = absl::InfiniteFuture();  // Unless it is listed.
  EventLoop::TimerId stay_timer_ = 0;                // 0: none is set.
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
  if (leave_timer_ != 0) loop_.Cancel(leave_timer_);
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
  for (const auto& watch : watches_) watch->SetUnlisted(stay);
  Leave();
  const size_t room = kMaxBrokers - std::min(kMaxBrokers, watches.size());
  const size_t surplus = watches_.size() - std::min(watches_.size(), room);
  std::move(watches_.begin() + static_cast<std::ptrdiff_t>(surplus),
            watches_.end(), std::back_inserter(watches));
  watches_ = std::move(watches);
  const std::vector<BrokerEntry> now = brokers();
  if (now != before) observer_.OnBrokers(now);
  for (Watch* const watch : added) watch->session().Start();
}

void WatchedBrokers::OnRoom() {
  for (const auto& watch : watches_) watch->session().OnRoom();
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

void WatchedBrokers::LeaveSoon() {
  // Not now: its session reports.
  if (leave_timer_ != 0) return;
  leave_timer_ = loop_.RunAt(loop_.Now(), [this] {
    leave_timer_ = 0;
    if (Leave()) observer_.OnBrokers(brokers());
  });
}

bool WatchedBrokers::Leave() {
  const auto left =
      std::remove_if(watches_.begin(), watches_.end(),
                     [](const auto& watch) { return !watch->stays(); });
  const bool any = left != watches_.end();
  watches_.erase(left, watches_.end());
  return any;
}

}  // namespace rmq
