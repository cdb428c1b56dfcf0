// One client's relation to one broker: the state machine that keeps a stream
// up, heartbeats over it, and reports the broker's pushes.
#ifndef CLIENT_SESSION_BROKER_SESSION_H_
#define CLIENT_SESSION_BROKER_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/client_options.h"
#include "client/loop/event_loop.h"
#include "client/session/abort_history.h"
#include "client/session/broker_stub.h"
#include "client/session/denial.h"
#include "client/session/frame_pace.h"
#include "client/session/group_membership.h"
#include "client/session/peer_broker.h"
#include "client/session/session_memberships.h"
#include "client/session/session_warnings.h"
#include "client/session/stream_groups.h"
#include "common/backoff.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Deterministic: it starts no thread, and takes time and random numbers from
// its loop and its caller. Enter() is the one function that changes the state;
// client/README.md has the table of states and events.
//
// Invariants: there is a stream in kConnecting, kStating, kOnline, kPartial and
// kLeaving, and in no other state. At most one heartbeat is unanswered. One
// frame is written at a time. The client's groups bound what waits to be
// written. Every state that waits has a deadline, except kIdle, kRefused,
// kReplaced, and kKicked without a time.
//
// Nothing is final without proof: the session enters kReplaced or kKicked only
// after an end that the broker itself marked so (EndReason), and tries again
// after every other end. From kKicked it comes back by itself if the broker
// said when; from both it comes back by Reconnect(). AbortHistory stands in for
// the mark of brokers that are older than it (FEATURE_END_REASON).
//
// A broker that does not let the client in (IsDenial()) is tried again after
// long pauses, without end: an operator may correct the broker's rules. Once
// the client's files have changed, it is tried soon.
//
// Thread-safety: none; every method is called, and everything happens, on the
// loop.
// Ownership: the loop, the stub and the observer are borrowed and must outlive
// the session.
// Reference: MQClientInstance's part for one broker.
class BrokerSession final : private BrokerStream::Reactor {
 public:
  // As ClientOptions, which has the defaults.
  struct Options {
    explicit Options(const ClientOptions& options);

    // The longest time between heartbeats; a third of the broker's channel
    // expiry if that is shorter.
    absl::Duration heartbeat_interval;
    // How long setting a stream up, and each request, may take. Then the
    // session drops the stream.
    absl::Duration connect_timeout;
    absl::Duration reply_timeout;
    Backoff::Options backoff;
    // Whether somebody wants the members of every group.
    bool wants_members;
  };

  // Receives what a session reports. It must not call back into the session.
  class Observer {
   public:
    // The consumer ids of a group may have changed, or changes may have been
    // missed while there was no stream.
    virtual void OnConsumerIdsChanged(const BrokerEntry& broker,
                                      absl::string_view group) = 0;
    // The members of a group are known again after a connect, have changed, or
    // are complete as the broker has settled. While it is settling,
    // `settled_at` is when it will have settled; else InfiniteFuture.
    virtual void OnMembershipChanged(const BrokerEntry& broker,
                                     absl::string_view group,
                                     const MembershipReport& report,
                                     absl::Time settled_at) = 0;
    // The client has left the group. Its members are not reported any more.
    virtual void OnMembershipEnded(const BrokerEntry& broker,
                                   absl::string_view group) = 0;
    // A warning that is new, or has changed.
    virtual void OnWarning(const BrokerWarning& warning) = 0;
    // The state, or the groups that the broker skips, have changed.
    virtual void OnHealthChanged(const BrokerHealth& health) = 0;
    // The broker says that another stream of this client id and incarnation has
    // replaced the stream of `session`. Returns whether that stream may be one
    // of another session. If so, `session` stays in reserve until TakeOver() or
    // EndReserve(); else it is replaced.
    virtual bool KeepsInReserve(const BrokerSession& session) = 0;
    // The last report, after Shutdown() or Abandon(). OK if the broker has no
    // group of this client left, as far as the session can know.
    virtual void OnStopped(const BrokerEntry& broker,
                           const absl::Status& status) = 0;

   protected:
    ~Observer() = default;
  };

  // The second heartbeat of a session follows the first by this.
  static constexpr absl::Duration kSecondHeartbeatDelay = absl::Seconds(1);
  // After a refused heartbeat the next follows no later than this, unless it
  // was a denial (IsDenial()).
  static constexpr absl::Duration kRefusedHeartbeatDelay = absl::Seconds(5);
  // The same for a full one that was refused with RESOURCE_EXHAUSTED: brokers
  // accept one changed statement a second.
  static constexpr absl::Duration kBusyHeartbeatDelay = absl::Seconds(1);
  // A session in reserve tries to connect after a time between half of this and
  // all of it, as the address may lead to another broker by now.
  static constexpr absl::Duration kReserveTime = absl::Minutes(5);
  // How often a session that was denied looks for changes of its files.
  static constexpr absl::Duration kIdentityPeriod = absl::Seconds(5);
  // The beginning of an outage is logged as information. An outage that has
  // lasted this long is logged as a warning, once.
  static constexpr absl::Duration kLongOutage = absl::Seconds(30);

  // `random` returns numbers in [0, 1). `next_stream_number` returns 1, 2, ...
  // over all sessions of one client id and incarnation.
  BrokerSession(BrokerEntry broker, Options options, EventLoop* loop,
                BrokerStub* stub, Observer* observer,
                std::function<double()> random,
                std::function<uint64_t()> next_stream_number);
  BrokerSession(const BrokerSession&) = delete;
  BrokerSession& operator=(const BrokerSession&) = delete;
  // Cancels the stream, if there is one, without unregistering.
  ~BrokerSession();

  // Sets what to state from now on: a full heartbeat. Null: the client has no
  // group, and keeps no stream. Unregisters the groups that are left out.
  void SetStatement(
      std::shared_ptr<const rocketmq::clientmanager::v1::HeartbeatRequest>
          statement);

  // Sets the broker's name and id. The address must be the same.
  void Rename(BrokerEntry broker);

  // The broker has sent the client away until `until` because of `reason`,
  // kDrained or kKicked, which an earlier session heard. Before the first
  // stream; a statement then leads to kBackoff or kKicked.
  void StayAwayUntil(absl::Time until, EndReason reason);
  // Until when the broker has sent the client away, for health().last_end; may
  // be over. InfinitePast: it has not, or has not said until when.
  absl::Time away_until() const;

  // From now on somebody wants the members of `group`, until the client leaves
  // the group. Does nothing if it is not stated.
  void WantMembers(absl::string_view group);

  // Notes that the broker will have settled after its start at `settled_at` of
  // the loop's clock. The session then reports the accepted groups once more.
  // Pushes say so too; the latest word counts. Does nothing without a stream: a
  // new stream's groups are reported when they are accepted.
  void NoteSettling(absl::Time settled_at);

  // Unregisters every group if one request can, half-closes, and waits for the
  // broker to end the stream, for at most the reply timeout. The end takes out
  // the groups that are left. A session without a stream stops at once.
  // Idempotent.
  void Shutdown();

  // Like Shutdown(), but does not wait: cancels the stream.
  void Abandon();

  // Sets up a stream at once in kBackoff, kRefused, kReplaced and kKicked; does
  // nothing in the other states, and after Shutdown().
  void Reconnect();

  // Sets up a stream at once. Requires kReserve.
  void TakeOver();
  // Enters `state`, which is kReplaced or kKicked; kKicked until `retry_at`.
  // Requires kReserve.
  void EndReserve(BrokerState state,
                  absl::Time retry_at = absl::InfiniteFuture());

  // Without the acknowledged epochs, the warnings and `retry_at`.
  const BrokerHealth& health() const { return health_; }
  BrokerHealth WholeHealth() const;
  // The number of the latest stream that a full heartbeat was written to; it
  // stays after the stream's end. 0 if there was none.
  uint64_t stream_number() const { return stream_number_; }
  // The broker process that accepted a full heartbeat over that stream; none if
  // no process did, or if it did not name itself.
  const absl::optional<PeerBroker>& accepted_by() const { return accepted_by_; }
  // BrokerHealth::retry_at, by the loop's clock.
  absl::Time retry_at() const;
  // Whether the broker has refused a request of the current stream, or ended
  // the stream before, because it has no room.
  bool found_it_full() const { return found_it_full_; }
  // Whether OnStopped() was called, or is being called.
  bool stopped() const { return stopped_; }

 private:
  using HeartbeatRequest = rocketmq::clientmanager::v1::HeartbeatRequest;
  using HeartbeatResponse = rocketmq::clientmanager::v1::HeartbeatResponse;

  // A request without an answer yet.
  struct Request {
    uint64_t id = 0;
    absl::Time sent;
    bool is_heartbeat = false;
    uint64_t listing_membership = 0;  // Of a request for a page.
    size_t bytes = 0;                 // As a frame.
    // What a full heartbeat stated; null for the others.
    std::shared_ptr<const HeartbeatRequest> statement;
    GroupNames unregistered;
  };

  // The state of one stream.
  struct StreamState {
    std::unique_ptr<BrokerStream> stream;
    uint64_t number = 0;
    uint64_t identity = 0;  // BrokerStub::IdentityGeneration() at its begin.
    bool writing = false;
    absl::Time writing_since;
    bool half_closed = false;
    bool has_reply = false;         // A reply has come.
    bool accepted = false;          // A full heartbeat was accepted.
    bool gives_end_reason = false;  // By the latest answer to one.
    // Why the broker did not take the first full heartbeat, if that was a
    // denial. The broker then ends the stream, and may say more; it has the
    // reply timeout for it.
    absl::Status denial;
    absl::Time denied_at;
    std::deque<Request> requests;
    bool heartbeat_unanswered = false;
    FramePace pace;
    // From the answer to a full heartbeat with the current statement. 0: the
    // next heartbeat must be a full one.
    uint64_t token = 0;
    StreamGroups groups;
    // When the broker will have settled; InfiniteFuture if it has settled, or
    // did not say.
    absl::Time settled_at = absl::InfiniteFuture();
  };

  void OnStarted() override;
  void OnRead(const rocketmq::clientmanager::v1::BrokerFrame& frame) override;
  void OnWritten() override;
  void OnFinished(const StreamEnd& end) override;

  // Changes the state, logs it and reports it.
  void Enter(BrokerState state);

  // Reports the health to the observer.
  void ReportHealth() { observer_.OnHealthChanged(WholeHealth()); }

  void Connect();
  void DropStream();
  // Enters kLeaving: unregisters the groups, then half-closes the stream.
  void Leave();
  // Drops the stream because of `end`, and enters the state that follows.
  void LoseStream(const StreamEnd& end);
  // Whether `lost` ended because another stream took over.
  bool WasReplaced(const StreamState& lost, const StreamEnd& end);
  void OnReplaced(const absl::Status& reason);
  void OnKicked(const StreamEnd& end);
  // Enters kRefused: the statement is over the broker's limit.
  void OnTooLarge(size_t bytes, size_t limit);
  // Enters kBackoff for the next delay of the backoff.
  void Pause(absl::Duration retry_after = absl::ZeroDuration());
  // The same after `denial` of a stream with `identity`: for the next delay of
  // the backoff after denials, unless the client's files have changed since.
  void PauseDenied(const absl::Status& denial, uint64_t identity);
  // Connects, or enters kIdle if there is nothing to state.
  void ComeBack();
  // Without a stream, but with a statement: connects, or waits until
  // `away_until_`.
  void LeaveIdle();
  // Ends the session, and reports `status` to the observer.
  void Stop(const absl::Status& status);

  // Writes the next frame, if one is due and none is being written.
  void WriteNextFrame();
  void WriteHeartbeat();
  void WriteUnregister();
  void WriteAcknowledgments();
  void WritePageRequest();
  // Gives `frame` a request id, writes it, and adds `request` to those without
  // an answer.
  void Write(rocketmq::clientmanager::v1::ClientFrame frame, Request request);
  void WriteFrame(const rocketmq::clientmanager::v1::ClientFrame& frame);

  void OnPush(
      const rocketmq::clientmanager::v1::NotifyConsumerIdsChanged& push);
  void OnReply(const rocketmq::clientmanager::v1::Reply& reply);
  void OnFullHeartbeatAccepted(const Request& request,
                               const HeartbeatResponse& response);
  void OnPageReply(const Request& request,
                   const rocketmq::clientmanager::v1::Reply& reply,
                   const absl::Status& status);
  void TakeWarnings(const HeartbeatResponse& response, bool is_full);
  void ReportMemberships();
  // Takes the broker's name, id and incarnation from its answer.
  void LearnIdentity(const HeartbeatResponse& response);
  // Takes the skipped groups from the broker's answer. Returns whether they are
  // others than before.
  bool LearnSkippedGroups(const HeartbeatResponse& response);
  void OnRefused(const Request& request, const absl::Status& status);
  // Shows a refusal to the operator, unless it is the one of before.
  void ShowRefusal(const absl::Status& status);
  // Reports the groups again if the broker has settled by now.
  void ReportIfSettled();
  void RecordError(const absl::Status& status);
  // Sets health_.broker from the resolver's name, or the broker's own.
  void NameBroker();

  absl::Duration Interval() const;
  // Asks for a heartbeat as soon as kMinHeartbeatGap allows.
  void HeartbeatSoon();
  // When the next frame of each kind may be written; InfiniteFuture if none is
  // wanted.
  absl::Time NextHeartbeat() const;
  absl::Time NextUnregister() const;
  absl::Time NextPageRequest() const;
  // When the broker has left a frame unanswered, or unread, for too long.
  absl::Time ReplyDeadline() const;

  // When OnTimer() has something to do in the current state.
  absl::Time NextDeadline() const;
  // Sets the timer to NextDeadline(). Every public method and every reaction
  // ends with this call.
  void RearmTimer();
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
  Backoff denial_backoff_{kDenialBackoff};
  // The one that was logged last; OK once the broker has let the client in.
  absl::Status denial_;
  // In a pause after a denial: what was denied, and when to look whether the
  // client says something else by now.
  uint64_t denied_identity_ = 0;
  absl::Time identity_look_ = absl::InfiniteFuture();
  bool shutting_down_ = false;
  bool stopped_ = false;  // OnStopped() was called.
  bool was_online_ = false;
  bool found_it_full_ = false;
  // In kIdle: when the client may come back to a broker that sent it away.
  absl::Time away_until_ = absl::InfinitePast();
  int64_t heartbeats_sent_ = 0;
  uint64_t last_request_id_ = 0;
  absl::Time outage_since_ = absl::InfiniteFuture();
  bool outage_logged_ = false;
  // See stream_number() and accepted_by().
  uint64_t stream_number_ = 0;
  absl::optional<PeerBroker> accepted_by_;
  AbortHistory aborts_;
  // In kRefused: the largest frame that the broker accepts, in bytes.
  size_t frame_limit_ = 0;

  SessionMemberships memberships_;
  SessionWarnings warnings_;

  StreamState current_;
  // When connecting, a pause, the time in reserve, the time of a kick, or
  // leaving ends.
  absl::Time state_deadline_ = absl::InfiniteFuture();
  absl::Time heartbeat_due_ = absl::InfiniteFuture();

  EventLoop::TimerId timer_ = 0;  // 0: none is set.
  absl::Time timer_at_ = absl::InfiniteFuture();
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_SESSION_H_
