// One watch of one broker: the state machine that keeps a Watch call up,
// resumes it where it was cut, and replays what the broker tells.
#ifndef CLIENT_WATCH_WATCH_SESSION_H_
#define CLIENT_WATCH_WATCH_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/loop/event_loop.h"
#include "client/session/denial.h"
#include "client/watch/membership_replay.h"
#include "client/watch/watch_stub.h"
#include "client/watch/watched_event.h"
#include "common/backoff.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

// Deterministic: it starts no thread, and takes time and random numbers from
// its loop and its caller.
//
// Each event is told once, in the order of the broker, between OnSynced() and
// the next OnGap(). A call that is cut is resumed at the revision after the
// last one that the broker has told in full, and what was told of a revision
// that was not told in full is left out. If the broker does not keep that
// revision any more, or is another process, there is a gap, and a snapshot.
//
// A watch that begins at `Options::from_revision` has no snapshot: OnSynced()
// does not come, and there are no members, before a gap.
//
// A broker that does not let the watcher in (IsDenial()) is tried again after
// long pauses, without end.
//
// The next response is read only if the observer has room, so a slow observer
// costs bounded memory here; the broker ends the call in time, and the session
// resumes it.
//
// Thread-safety: none; every method is called, and everything happens, on the
// loop.
// Ownership: the loop, the stub and the observer are borrowed and must outlive
// the session.
class WatchSession final : private WatchStream::Reactor {
 public:
  struct Options {
    // Empty: all groups.
    std::vector<std::string> groups;
    bool consumers = true;
    bool producers = true;
    // 0: begin with a snapshot.
    uint64_t from_revision = 0;
    uint64_t broker_incarnation = 0;
    // How long the first answer may take.
    absl::Duration connect_timeout = absl::Seconds(3);
    Backoff::Options backoff;
    // More are an error of the watch. While a snapshot comes, the session holds
    // up to twice as many.
    size_t max_members = 1'000'000;
  };

  // Receives what a session reports. It must not call back into the session.
  class Observer {
   public:
    virtual void OnState(const WatchState& state) = 0;
    // The members are known as they were at the position.
    virtual void OnSynced(const WatchPosition& position) = 0;
    virtual void OnEvent(const WatchedEvent& event) = 0;
    virtual void OnGap(const WatchGap& gap) = 0;
    // Whether the session may read another response. After false the session
    // waits for OnRoom().
    virtual bool HasRoom() = 0;

   protected:
    ~Observer() = default;
  };

  // A broker tells its progress each 10 s. A call without any response for this
  // long is cut: the connection is dead.
  static constexpr absl::Duration kSilence = absl::Seconds(30);

  // `random` returns numbers in [0, 1).
  WatchSession(Options options, EventLoop* loop, WatchStub* stub,
               Observer* observer, std::function<double()> random);
  WatchSession(const WatchSession&) = delete;
  WatchSession& operator=(const WatchSession&) = delete;
  // Cancels the call, if there is one.
  ~WatchSession();

  // Begins to watch. Once.
  void Start() { Connect(); }

  // The observer has room again.
  void OnRoom();

  // Why the broker ended the last call that has ended.
  EndReason last_end() const { return last_end_; }
  // Whether the broker has ended it because it is full (IsFull()).
  bool found_it_full() const { return found_it_full_; }
  // Whether nothing is read, and no call set up, before OnRoom().
  bool waits_for_room() const { return waits_for_room_; }

  // Whether members() are those of the broker: from the first OnSynced() on.
  bool synced() const { return synced_; }
  const MembershipReplay& members() const { return members_; }

 private:
  void OnResponse(
      const rocketmq::clientmanager::v1::WatchResponse& response) override;
  void OnFinished(const StreamEnd& end) override;

  rocketmq::clientmanager::v1::WatchRequest Request() const;
  void Connect();
  void Read();
  void OnProgress(const rocketmq::clientmanager::v1::WatchProgress& progress);
  void OnSnapshot(const rocketmq::clientmanager::v1::WatchSnapshot& snapshot);
  void OnEvent(const rocketmq::clientmanager::v1::WatchEvent& event);
  absl::Status TooManyMembers() const;
  // Drops the call because of `end`, and tries again after a pause, or at once
  // with a snapshot if `end` says that events are lost since an earlier call.
  void Lose(const StreamEnd& end);
  // The watch cannot be resumed: the next one begins with a snapshot.
  void LosePlace(const std::string& reason);
  void DropStream();
  void ResetBackoff() {
    backoff_.Reset();
    denial_backoff_.Reset();
  }
  // Reports the state if it has changed.
  void Enter(bool connected, const absl::Status& status, absl::Time retry_at);
  void SetTimer(absl::Time when);
  void OnTimer();

  const Options options_;
  EventLoop& loop_;
  WatchStub& stub_;
  Observer& observer_;
  const std::function<double()> random_;

  MembershipReplay members_;
  bool synced_ = false;
  Backoff backoff_;
  Backoff denial_backoff_{kDenialBackoff};
  WatchState state_;
  bool reported_ = false;  // A state was reported.
  EndReason last_end_ = EndReason::kNone;
  bool found_it_full_ = false;

  // Where the next call goes on: events of revisions before `resume_` are told,
  // and the first `told_` events of `resume_` too. 0: with a snapshot.
  uint64_t resume_ = 0;
  uint64_t told_ = 0;
  uint64_t broker_incarnation_ = 0;
  // Of the current call: how many events of `resume_` it has brought.
  uint64_t seen_ = 0;
  bool began_with_snapshot_ = false;
  bool in_snapshot_ = false;

  std::unique_ptr<WatchStream> stream_;
  bool answered_ = false;  // The call has brought a response.
  bool waits_for_room_ = false;
  EventLoop::TimerId timer_ = 0;  // 0: none is set.
};

}  // namespace rmq

#endif  // CLIENT_WATCH_WATCH_SESSION_H_
