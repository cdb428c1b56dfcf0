// The brokers that a watcher watches, and a session with each.
#ifndef CLIENT_WATCH_WATCHED_BROKERS_H_
#define CLIENT_WATCH_WATCHED_BROKERS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/loop/event_loop.h"
#include "client/watch/membership_replay.h"
#include "client/watch/watch_session.h"
#include "client/watch/watch_stub.h"
#include "client/watch/watched_event.h"

namespace rmq {

// Deterministic, as WatchSession is.
//
// A broker that is listed is watched. One that is listed no more is left as
// clients leave it (UnlistedStay): at once if its call does not stand, else
// once the broker has ended the call as it goes down, or does not answer any
// more; while the observer has no room, the broker is not asked. So it is seen
// how clients leave a broker that drains, which etcd does not list, and no
// members are lost with a broker that etcd has lost from sight. If it is listed
// again before it is left, its watch goes on as if nothing had been; if later,
// it is a new one.
//
// Bounds: kMaxBrokers watches. Beyond that, those that are not listed are left
//   first, the oldest before the others.
// Thread-safety: none; every method is called, and everything happens, on the
//   loop.
// Ownership: the loop and the observer are borrowed and must outlive this.
class WatchedBrokers {
 public:
  // Receives what the sessions report, each with the broker's address. It must
  // not call back.
  class Observer {
   public:
    // The brokers that are watched are these from now on. Comes before the
    // first report of a broker that is new, and after the last one of a broker
    // that is left.
    virtual void OnBrokers(const std::vector<BrokerEntry>& brokers) = 0;
    virtual void OnState(const std::string& broker,
                         const WatchState& state) = 0;
    virtual void OnSynced(const std::string& broker,
                          const WatchPosition& position) = 0;
    virtual void OnEvent(const std::string& broker,
                         const WatchedEvent& event) = 0;
    virtual void OnGap(const std::string& broker, const WatchGap& gap) = 0;
    // See WatchSession::Observer.
    virtual bool HasRoom() = 0;

   protected:
    ~Observer() = default;
  };

  // `new_stub` makes the stub of the broker at an address. `random` returns
  // numbers in [0, 1).
  WatchedBrokers(
      WatchSession::Options options, EventLoop* loop,
      std::function<std::unique_ptr<WatchStub>(const std::string&)> new_stub,
      Observer* observer, std::function<double()> random);
  WatchedBrokers(const WatchedBrokers&) = delete;
  WatchedBrokers& operator=(const WatchedBrokers&) = delete;
  // Cancels the calls.
  ~WatchedBrokers();

  // All brokers that are listed; the list validates (ValidateBrokers()). Those
  // that are listed no more, and whose calls stand, are watched on as
  // BrokerResolver::UnlistedStay() says of `stay`. A broker whose name and id
  // are listed with another address is left at once.
  void SetBrokers(const std::vector<BrokerEntry>& listed, absl::Duration stay);

  // The observer has room again.
  void OnRoom();

  // Null if the broker at `address` is not watched, or if its members are not
  // known yet.
  const MembershipReplay* MembersAt(absl::string_view address) const;
  bool IsWatched(absl::string_view address) const {
    return Find(address) != nullptr;
  }

  // Those that are watched: first those of the list, in its order.
  std::vector<BrokerEntry> brokers() const;

 private:
  class Watch;

  Watch* Find(absl::string_view address) const;
  // Looks how it stands with the brokers that are not listed, and leaves those
  // whose time has come. Whether there are any.
  bool Leave();
  // Sets the timer to when the first of the others is left.
  void RearmStays();

  const WatchSession::Options options_;
  EventLoop& loop_;
  const std::function<std::unique_ptr<WatchStub>(const std::string&)> new_stub_;
  Observer& observer_;
  const std::function<double()> random_;
  std::vector<std::unique_ptr<Watch>> watches_;
  EventLoop::TimerId stays_timer_ = 0;  // 0: none is set.
};

}  // namespace rmq

#endif  // CLIENT_WATCH_WATCHED_BROKERS_H_
