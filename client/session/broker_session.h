// One client's relation to one broker: the state machine that keeps a stream
// up, heartbeats over it, and hears the broker's pushes.
#ifndef CLIENT_SESSION_BROKER_SESSION_H_
#define CLIENT_SESSION_BROKER_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/loop/event_loop.h"
#include "client/session/broker_stub.h"
#include "common/backoff.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// One process of a broker, as it names itself in answers to full heartbeats.
// Addresses that lead to one process give the same.
struct BrokerIdentity {
  std::string name;
  uint64_t id = 0;
  uint64_t incarnation = 0;  // Never 0: a broker draws it at its start.

  friend bool operator==(const BrokerIdentity& a, const BrokerIdentity& b) {
    return a.name == b.name && a.id == b.id && a.incarnation == b.incarnation;
  }
  friend bool operator!=(const BrokerIdentity& a, const BrokerIdentity& b) {
    return !(a == b);
  }
};

// Deterministic: it starts no thread, reads no clock but the loop's, and draws
// no random number of its own. Enter() is the one function that changes the
// state; client/README.md has the table of states and events.
//
// Invariants: there is a stream exactly in kConnecting, kStating, kOnline,
// kPartial and kLeaving. At most one heartbeat is unanswered. One frame is
// written at a time; what waits to be written is bounded by the groups of the
// client. Every wait has a deadline, but for kIdle and kRefused.
//
// Nothing is final without proof: only an end that the broker itself marks so
// (EndReason) makes kReplaced or kKicked, and any other is followed by another
// attempt. A broker that is older than such marks (FEATURE_END_REASON) is
// believed when one process of it has ended kAbortsOfAReplaced streams within
// kAbortWindow with ABORTED.
//
// Thread-safety: none; every method is called, and everything happens, on the
// loop.
// Ownership: the loop, the stub and the observer are borrowed and must outlive
// the session.
// Reference: MQClientInstance's part for one broker.
class BrokerSession final : private BrokerStream::Reactor {
 public:
  struct Options {
    // The longest time between heartbeats; a third of the broker's channel
    // expiry if that is shorter.
    absl::Duration heartbeat_interval = absl::Seconds(30);
    // Setting a stream up, and each request, may take this long; then the
    // stream is given up.
    absl::Duration connect_timeout = absl::Seconds(5);
    absl::Duration reply_timeout = absl::Seconds(3);
    Backoff::Options backoff;
  };

  // What a session reports. It must not call back into the session.
  class Observer {
   public:
    // The consumer ids of a group may have changed, or changes may have been
    // missed while there was no stream.
    virtual void OnConsumerIdsChanged(const BrokerEntry& broker,
                                      absl::string_view group) = 0;
    // The state, or the groups that the broker skips, have changed.
    virtual void OnHealthChanged(const BrokerHealth& health) = 0;
    // The broker says that another stream of this client id and incarnation
    // took the place of `session`, whose stream is gone. Whether that stream
    // is, or may be, one of another session: then this one is kept in reserve
    // until TakeOver() or EndReserve(); else it is replaced for good.
    virtual bool KeepsInReserve(const BrokerSession& session) = 0;
    // Once, after Shutdown() or Abandon(): nothing more will happen. OK if the
    // broker has no group of this client left, as far as the session can know.
    virtual void OnStopped(const BrokerEntry& broker,
                           const absl::Status& status) = 0;

   protected:
    ~Observer() = default;
  };

  // A heartbeat follows the one before by at least this, whatever asks for it:
  // changes in a row share one, and a broker that always asks for a full
  // statement is not flooded.
  static constexpr absl::Duration kMinHeartbeatGap = absl::Milliseconds(100);
  // The second heartbeat of a session follows the first by this.
  static constexpr absl::Duration kSecondHeartbeatDelay = absl::Seconds(1);
  // After a refused heartbeat the next follows no later than this.
  static constexpr absl::Duration kRefusedHeartbeatDelay = absl::Seconds(5);
  // The same for a full one that was refused with RESOURCE_EXHAUSTED: brokers
  // take a changed statement a second.
  static constexpr absl::Duration kBusyHeartbeatDelay = absl::Seconds(1);
  // Unregistrations that a broker wants one by one follow each other by at
  // least this: with ten heartbeats a second they stay below the hundred frames
  // a second that brokers take by default.
  static constexpr absl::Duration kUnregisterGap = absl::Milliseconds(20);
  // So many groups go into one request where the broker takes many.
  static constexpr size_t kMaxGroupsInOneRequest = 256;
  // When a broker has answered RESOURCE_EXHAUSTED, frames follow each other by
  // at least the first of these, and by twice as much with each further such
  // answer, up to the second; until all that it refused has been taken.
  static constexpr absl::Duration kFirstFrameGap = absl::Milliseconds(100);
  static constexpr absl::Duration kMaxFrameGap = kRefusedHeartbeatDelay;
  // A way in reserve is tried after this or as little as half of it, as the
  // address may lead to another broker by now.
  static constexpr absl::Duration kReserveTime = absl::Minutes(5);
  // See above, on older brokers.
  static constexpr size_t kAbortsOfAReplaced = 3;
  static constexpr absl::Duration kAbortWindow = absl::Minutes(1);
  // The beginning of an outage is logged as information, and the outage as a
  // warning, once, when it has lasted this long.
  static constexpr absl::Duration kLongOutage = absl::Seconds(30);

  // `random` returns numbers in [0, 1). `next_stream_number` returns 1, 2, ...
  // over all sessions of one client id and incarnation.
  BrokerSession(BrokerEntry broker, Options options, EventLoop* loop,
                BrokerStub* stub, Observer* observer,
                std::function<double()> random,
                std::function<uint64_t()> next_stream_number);
  BrokerSession(const BrokerSession&) = delete;
  BrokerSession& operator=(const BrokerSession&) = delete;
  // Cancels the stream, if there is one, without a word to the broker.
  ~BrokerSession();

  // What to state from now on: a full heartbeat. Null: the client has no group,
  // and keeps no stream. Groups that are left out are unregistered.
  void SetStatement(
      std::shared_ptr<const rocketmq::clientmanager::v1::HeartbeatRequest>
          statement);

  // The broker's new name and id; its address stays.
  void Rename(BrokerEntry broker);

  // The broker will have settled after its start at `settled_at`, of the loop's
  // clock: then the groups that it has taken are reported once more. Pushes
  // tell it too; what was heard last counts. Nothing without a stream: groups
  // are reported when they are taken.
  void NoteSettling(absl::Time settled_at);

  // Unregisters every group if one request can, half-closes, and waits for the
  // broker to end the stream, which takes out the groups that are left; for at
  // most the reply timeout. Without a stated group it stops at once.
  // Idempotent.
  void Shutdown();

  // Shutdown() that waits for nothing: what is left is cancelled.
  void Abandon();

  // From kReserve: sets up a stream, at once.
  void TakeOver();
  // From kReserve to `state`, which is kReplaced or kKicked.
  void EndReserve(BrokerState state);

  const BrokerHealth& health() const { return health_; }
  // The number of the latest stream that a full heartbeat was written to, also
  // after its end; 0 if there was none.
  uint64_t stream_number() const { return stream_number_; }
  // Who took a full heartbeat over that stream; none if nobody has, or if it
  // did not say which process it is.
  const absl::optional<BrokerIdentity>& taken_by() const { return taken_by_; }
  // Whether OnStopped() was told, or is being told.
  bool stopped() const { return stopped_; }

 private:
  using HeartbeatRequest = rocketmq::clientmanager::v1::HeartbeatRequest;
  using HeartbeatResponse = rocketmq::clientmanager::v1::HeartbeatResponse;

  // Names of groups, each kind in order.
  struct Groups {
    absl::btree_set<std::string> producers;
    absl::btree_set<std::string> consumers;
    bool empty() const { return producers.empty() && consumers.empty(); }
    size_t size() const { return producers.size() + consumers.size(); }
  };

  // A request that was written and is not answered yet.
  struct Request {
    uint64_t id = 0;
    absl::Time sent;
    bool is_heartbeat = false;
    size_t bytes = 0;  // As a frame.
    // What a full heartbeat stated; null for the others.
    std::shared_ptr<const HeartbeatRequest> statement;
    Groups unregistered;
  };

  // What lives as long as one stream.
  struct StreamState {
    std::unique_ptr<BrokerStream> stream;
    uint64_t number = 0;
    bool writing = false;
    bool half_closed = false;
    bool heard = false;  // A reply has come.
    // From the latest answer to a full heartbeat.
    bool taken = false;  // There was one.
    bool takes_many_groups = false;
    bool tells_end_reason = false;
    std::deque<Request> requests;
    bool heartbeat_unanswered = false;
    absl::Time last_frame = absl::InfinitePast();
    absl::Time last_heartbeat = absl::InfinitePast();
    absl::Time last_unregister = absl::InfinitePast();
    bool heartbeat_was_last = false;  // Of the two kinds.
    // Not 0 while the broker has answered RESOURCE_EXHAUSTED to what it has not
    // taken since.
    absl::Duration frame_gap;
    absl::Time slowed_at = absl::InfinitePast();  // When that grew.
    // The largest frame of unregistrations: as the broker said, once it has
    // refused a larger one.
    size_t request_limit = std::numeric_limits<size_t>::max();
    // From the answer to a full heartbeat with the current statement; 0 asks
    // for a full one.
    uint64_t token = 0;
    Groups stated;         // Written in a full heartbeat, and still wanted.
    Groups to_unregister;  // Stated before, and wanted no longer; not written.
    // Consumer groups of `stated` that the observer was told about.
    absl::btree_set<std::string> reported;
    // When the broker will have settled; InfiniteFuture if it has, or did not
    // tell.
    absl::Time settled_at = absl::InfiniteFuture();
  };

  void OnStarted() override;
  void OnRead(const rocketmq::clientmanager::v1::BrokerFrame& frame) override;
  void OnWritten() override;
  void OnFinished(const StreamEnd& end) override;

  // Changes the state, logs it and reports it.
  void Enter(BrokerState state);

  void Connect();
  // The groups are taken out, then the stream is half-closed.
  void Leave();
  // What was stated and is not in `statement` is to be unregistered, all if it
  // is null; what is in it is not.
  void UnregisterAllBut(const HeartbeatRequest* statement);
  // Gives the stream up because it ended: what follows depends on the state and
  // on the end.
  void LoseStream(const StreamEnd& end);
  // Whether `lost` ended because another stream took over.
  bool WasReplaced(const StreamState& lost, const StreamEnd& end);
  void OnReplaced(const absl::Status& reason);
  void OnKicked(const absl::Status& reason);
  // The statement is over the broker's limit, and so is not made again.
  void OnTooLarge(size_t bytes, size_t limit);
  void Pause();
  // Nothing more will happen; `status` is for the observer.
  void Stop(const absl::Status& status);

  // Writes the next frame, if one is wanted and none is being written.
  void Pump();
  void WriteHeartbeat();
  void WriteUnregister();
  // How many of the groups fit into one request.
  Groups TakeOneRequest(Groups* groups) const;
  // Gives `frame` a request id, writes it, and notes `request` as unanswered.
  void Write(rocketmq::clientmanager::v1::ClientFrame frame, Request request);

  void OnReply(const rocketmq::clientmanager::v1::Reply& reply);
  void OnFullHeartbeatTaken(const Request& request,
                            const HeartbeatResponse& response);
  void OnRefused(const Request& request, const absl::Status& status);
  // Reports the groups again if the broker has settled by now.
  void ReportIfSettled();
  // Has the broker answered RESOURCE_EXHAUSTED to `request`, the next frames
  // come later.
  void SlowDown(const Request& request);
  void RecordError(const absl::Status& status);
  // Sets the name that is told, from the resolver's and the broker's own.
  void NameBroker();

  absl::Duration Interval() const;
  // Asks for a heartbeat as soon as kMinHeartbeatGap allows.
  void HeartbeatSoon();
  // When the next frame of each kind may be written; InfiniteFuture if none is
  // wanted.
  absl::Time NextHeartbeat() const;
  absl::Time NextUnregister() const;

  // When OnTimer() has something to do in the current state.
  absl::Time NextDeadline() const;
  // Sets the timer to NextDeadline(). Every public method and every reaction
  // ends with it.
  void Rearm();
  void OnTimer();

  // Constant after construction.
  const Options options_;
  EventLoop& loop_;
  BrokerStub& stub_;
  Observer& observer_;
  const std::function<double()> random_;
  const std::function<uint64_t()> next_stream_number_;

  BrokerEntry broker_;   // As the resolver names it.
  BrokerHealth health_;  // Its state is the state of this machine.
  std::shared_ptr<const HeartbeatRequest> statement_;
  Backoff backoff_;
  bool shutting_down_ = false;
  bool stopped_ = false;  // OnStopped() was told.
  bool was_online_ = false;
  int64_t heartbeats_sent_ = 0;
  uint64_t last_request_id_ = 0;
  absl::Time outage_since_ = absl::InfiniteFuture();
  bool outage_logged_ = false;
  // See stream_number() and taken_by().
  uint64_t stream_number_ = 0;
  absl::optional<BrokerIdentity> taken_by_;
  // When the latest streams ended with ABORTED that the broker process
  // `aborted_by_` had taken a full heartbeat over: kAbortsOfAReplaced at most.
  std::deque<absl::Time> aborts_;
  absl::optional<BrokerIdentity> aborted_by_;
  // What the broker said that it takes at most, in kRefused.
  size_t frame_limit_ = 0;

  StreamState current_;
  // The end of connecting, of a pause, of the time in reserve, or of leaving.
  absl::Time state_deadline_ = absl::InfiniteFuture();
  absl::Time heartbeat_due_ = absl::InfiniteFuture();

  EventLoop::TimerId timer_ = 0;  // 0: none is set.
  absl::Time timer_at_ = absl::InfiniteFuture();
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_SESSION_H_
