// The brokers of one client, and the session with each. The table joins and
// leaves brokers as the resolver's list and the client's groups change.
#ifndef CLIENT_SESSION_BROKER_TABLE_H_
#define CLIENT_SESSION_BROKER_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/loop/event_loop.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/group_membership.h"
#include "client/session/left_brokers.h"
#include "client/session/unlisted_stay.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Deterministic, as BrokerSession is.
//
// Invariants: there is one session an address. If a broker is listed again
// while its session is ending, the new session begins after the end. At most
// kMaxBrokers sessions are joined, and at most as many are leaving; the table
// abandons those beyond.
//
// A broker that is not listed any more may keep the client that is online
// there (SetBrokers()): the table stays with it, and leaves it once the broker
// has told the client to go (UnlistedStay).
//
// A broker that the table leaves may have told the client when to come back. If
// it is listed again earlier, the client waits until then (LeftBrokers). If it
// is listed again later, a client that was drained waits for up to
// Backoff::kLeastSpread, so that not all clients come at once.
//
// Two addresses may lead to one broker. The broker keeps one stream of a
// client, and ends the other as replaced. A session is in kReserve if the
// stream of another session may have replaced its own: the streams that may
// have done so are its successors.
// - Once a successor turns out to be at that broker, it is the only successor.
// - If a successor has ended as replaced itself, the successors of its session
//   stand in for it.
// - If a successor has ended otherwise, the session takes over.
// - If a successor has been kicked, so is the session, until the same time.
// - If no successor is left, the session is replaced.
// So each takeover is caused by the end of a stream that was not replaced, and
// no takeover causes another one.
//
// Thread-safety: none; everything happens on the loop.
// Ownership: the loop and the observer are borrowed and must outlive the table.
// Reference: MQClientInstance's brokerAddrTable, #cleanOfflineBroker and
// #sendHeartbeatToAllBroker.
class BrokerTable final : private BrokerSession::Observer {
 public:
  // Receives what a table reports. It must not call back into the table.
  class Observer {
   public:
    // As those of BrokerSession::Observer, for any of the brokers.
    virtual void OnConsumerIdsChanged(const BrokerEntry& broker,
                                      absl::string_view group) = 0;
    virtual void OnMembershipChanged(const BrokerEntry& broker,
                                     absl::string_view group,
                                     const MembershipReport& report,
                                     absl::Time settled_at) = 0;
    virtual void OnMembershipEnded(const BrokerEntry& broker,
                                   absl::string_view group) = 0;
    virtual void OnWarning(const BrokerWarning& warning) = 0;
    virtual void OnHealthChanged(const BrokerHealth& health) = 0;
    // Once, after Shutdown() or Abandon(), when every session has stopped, with
    // the first error that a session stopped with.
    virtual void OnStopped(const absl::Status& status) = 0;

   protected:
    ~Observer() = default;
  };

  using StubFactory =
      std::function<std::shared_ptr<BrokerStub>(const std::string& address)>;
  using Statement = rocketmq::clientmanager::v1::HeartbeatRequest;

  // `random` returns numbers in [0, 1).
  BrokerTable(BrokerSession::Options options, EventLoop* loop,
              StubFactory new_stub, Observer* observer,
              std::function<double()> random);
  BrokerTable(const BrokerTable&) = delete;
  BrokerTable& operator=(const BrokerTable&) = delete;
  ~BrokerTable();

  // Sets the brokers, which must validate (ValidateBrokers()). Joins those that
  // are new, and leaves those that are not listed any more: at once, or, where
  // the client is online, as BrokerResolver::UnlistedStay() says of `stay`. A
  // broker whose name and id are listed with another address is left at once.
  // Does nothing after Shutdown().
  void SetBrokers(const std::vector<BrokerEntry>& brokers,
                  absl::Duration stay = absl::ZeroDuration());

  // Sets what to state from now on; null: the client has no group. A statement
  // without a consumer group is for masters only: the table leaves the slaves.
  void SetStatement(std::shared_ptr<const Statement> statement);

  // As BrokerSession::NoteSettling() of the broker at `address`, if the list
  // has one.
  void NoteSettling(absl::string_view address, absl::Time settled_at);

  // From now on somebody wants the members of `group` at the broker at
  // `address`, until the client leaves the group; again if the broker is listed
  // again. Does nothing if the list does not have the broker, or the client's
  // statement not the group; before the first statement the client has all.
  void WantMembers(absl::string_view address, absl::string_view group);

  // As BrokerSession::Reconnect() of the listed broker at `address`, or of all
  // listed brokers if `address` is empty. Returns whether there is one.
  bool Reconnect(absl::string_view address);

  // Leaves every broker. Idempotent.
  void Shutdown();
  // Like Shutdown(), but waits for nothing.
  void Abandon();

  // First the brokers of the list, in its order, then those that the table
  // stays with, or is leaving.
  std::vector<BrokerHealth> Health() const;

  // The stub for calls to the broker at `address`; null if the list does not
  // have the address. Shutdown() cancels the stub's calls, and so does the end
  // of leaving the broker.
  std::shared_ptr<BrokerStub> FindStub(absl::string_view address) const;
  // The stubs of the listed brokers, in the order of the list.
  std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>> Stubs()
      const;

 private:
  struct Link {
    BrokerEntry broker;
    bool listed = true;  // False: the table is leaving the broker.
    // The list does not have the broker any more, and the table stays with it.
    absl::optional<UnlistedStay> stay;
    std::shared_ptr<BrokerStub> stub;
    std::unique_ptr<BrokerSession> session;
    std::shared_ptr<const Statement> statement;  // What the session was given.
    // The groups whose members somebody wants at this broker.
    absl::flat_hash_set<std::string> wanted_members;
    // In kReserve: the numbers of other sessions' streams, one of which has
    // replaced this session's stream.
    absl::flat_hash_set<uint64_t> successors;
  };
  using LinksByStream = absl::flat_hash_map<uint64_t, const Link*>;

  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override;
  void OnMembershipChanged(const BrokerEntry& broker, absl::string_view group,
                           const MembershipReport& report,
                           absl::Time settled_at) override;
  void OnMembershipEnded(const BrokerEntry& broker,
                         absl::string_view group) override;
  void OnWarning(const BrokerWarning& warning) override;
  void OnHealthChanged(const BrokerHealth& health) override;
  bool KeepsInReserve(const BrokerSession& session) override;
  void OnStopped(const BrokerEntry& broker,
                 const absl::Status& status) override;

  std::unique_ptr<BrokerSession> NewSession(const BrokerEntry& broker,
                                            BrokerStub* stub);
  // Gives the session the statement that is meant for its broker, unless it has
  // that statement.
  void GiveStatement(Link* link);
  // Removes the links whose session has stopped. A broker that is listed again
  // gets a new session instead.
  void RemoveStopped();
  void StopIfAllStopped();
  // Whether to stay with a broker that `brokers` do not have.
  bool MayStay(const Link& link, const std::vector<BrokerEntry>& brokers) const;
  // `stay` as BrokerResolver::UnlistedStay() has it.
  void BeginStay(Link* link, absl::Duration stay);
  void Leave(Link* link);
  // Leaves the brokers that are not listed any more, once the client has been
  // told to go, or their time has come.
  void ReviewStays();
  // Sets the timer to when the first of them is left.
  void RearmStays();
  // Keeps of a broker that is left what is needed if it is listed again.
  void KeepLeft(const Link& link);
  // Takes that for a session that is about to begin.
  void TakeLeft(Link* link);
  // Runs `method` soon. Sessions report from inside their methods, so the table
  // must not change them at once.
  void Post(void (BrokerTable::*method)());
  // Runs ReviewReserves() soon, if there is a reserve.
  void ReviewReservesSoon();
  // Decides about each session in reserve: it stays in reserve, takes over, or
  // is replaced or kicked.
  void ReviewReserves();
  static bool IsReserve(const Link& link);
  static void ReviewReserve(const LinksByStream& links, Link* reserve);

  const BrokerSession::Options options_;
  EventLoop& loop_;
  const StubFactory new_stub_;
  Observer& observer_;
  const std::function<double()> random_;

  std::vector<Link> links_;
  std::shared_ptr<const Statement> statement_;
  // False before the first one, which may be null.
  bool had_statement_ = false;
  uint64_t last_stream_number_ = 0;  // All sessions draw from it.
  bool has_reserve_ = false;         // False: no session is in kReserve.
  bool review_posted_ = false;
  bool has_stays_ = false;  // False: the table stays with no broker.
  // When the first of those is left unless something happens; and the timer.
  absl::Time next_leave_ = absl::InfiniteFuture();
  EventLoop::TimerId stays_timer_{};
  LeftBrokers left_brokers_;
  bool shutting_down_ = false;
  bool stopped_ = false;  // OnStopped() was called.
  absl::Status stop_status_;
  // Tasks that were posted hold it weakly, and do nothing once the table is
  // destroyed.
  const std::shared_ptr<BrokerTable*> self_;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_TABLE_H_
