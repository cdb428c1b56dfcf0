// The brokers of one client, and the session with each: which of them are
// joined and left as the resolver's list and the client's groups change.
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
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/loop/event_loop.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Deterministic, as BrokerSession is.
//
// Invariants: one session an address, also while a broker that was left comes
// back: it is joined anew once the old session has ended. At most kMaxBrokers
// sessions are joined, and as many on their way out; those beyond are cut off.
//
// Two addresses may lead to one broker, which keeps one stream of a client, and
// ends the other as replaced. A session whose stream may have been replaced by
// that of another session is in kReserve, and behind those streams. When one of
// them has turned out to be at that broker, it is behind that one alone. It
// takes over when a stream that it is behind has ended, but not as replaced
// itself: then it is behind those that the other session is behind. When there
// is none left, it is replaced for good. So each change of the way has the end
// of a stream for its cause, and none leads to another.
//
// Thread-safety: none; everything happens on the loop.
// Ownership: the loop and the observer are borrowed and must outlive the table.
// Reference: MQClientInstance's brokerAddrTable, #cleanOfflineBroker and
// #sendHeartbeatToAllBroker.
class BrokerTable final : private BrokerSession::Observer {
 public:
  // What a table reports. It must not call back into the table.
  class Observer {
   public:
    // As BrokerSession::Observer, of any of the brokers.
    virtual void OnConsumerIdsChanged(const BrokerEntry& broker,
                                      absl::string_view group) = 0;
    virtual void OnHealthChanged(const BrokerHealth& health) = 0;
    // Once, after Shutdown() or Abandon(), when every session has stopped; with
    // the first error that one stopped with.
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

  // The brokers from now on, which must validate (ValidateBrokers()). Those
  // that are new are joined; those that are not in the list are unregistered
  // from and closed. Nothing happens after Shutdown().
  void SetBrokers(const std::vector<BrokerEntry>& brokers);

  // What to state from now on; null: the client has no group. A statement
  // without a consumer group is for masters only: slaves are left.
  void SetStatement(std::shared_ptr<const Statement> statement);

  // As BrokerSession::NoteSettling() of the broker at `address`, if the list
  // has one.
  void NoteSettling(absl::string_view address, absl::Time settled_at);

  // Leaves every broker. Idempotent.
  void Shutdown();
  // Shutdown() that waits for nothing.
  void Abandon();

  // In the order of the list, then those that are being left.
  std::vector<BrokerHealth> Health() const;

  // For calls to the broker at `address`; null if the list has no such one. Its
  // calls are cancelled by Shutdown(), and when the broker has been left.
  std::shared_ptr<BrokerStub> FindStub(absl::string_view address) const;
  // Those of the list, in its order.
  std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>> Stubs()
      const;

 private:
  struct Link {
    BrokerEntry broker;
    bool listed = true;  // False: on its way out.
    std::shared_ptr<BrokerStub> stub;
    std::unique_ptr<BrokerSession> session;
    std::shared_ptr<const Statement> statement;  // What the session was given.
    // In kReserve: the numbers of other sessions' streams, one of which took
    // the place of this session's.
    absl::flat_hash_set<uint64_t> behind;
  };
  using LinksByStream = absl::flat_hash_map<uint64_t, const Link*>;

  void OnConsumerIdsChanged(const BrokerEntry& broker,
                            absl::string_view group) override;
  void OnHealthChanged(const BrokerHealth& health) override;
  bool KeepsInReserve(const BrokerSession& session) override;
  void OnStopped(const BrokerEntry& broker,
                 const absl::Status& status) override;

  std::unique_ptr<BrokerSession> NewSession(const BrokerEntry& broker,
                                            BrokerStub* stub);
  // Hands the session its statement, if it is another than it has.
  void State(Link* link);
  // Takes the links out whose session has stopped, or joins their brokers anew
  // if they are listed again.
  void Sweep();
  void StopIfAllStopped();
  // Runs `method` soon: a session that reports is still at work.
  void Post(void (BrokerTable::*method)());
  // Has ReviewReserves() run soon, if there is one.
  void ReviewReservesSoon();
  // Decides about each session in reserve: it goes on being, takes over, or is
  // out for good.
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
  uint64_t last_stream_number_ = 0;  // Of all sessions, one after the other.
  bool has_reserve_ = false;         // False: no session is in kReserve.
  bool review_posted_ = false;
  bool shutting_down_ = false;
  bool stopped_ = false;  // OnStopped() was told.
  absl::Status stop_status_;
  // By this the tasks that it posted know whether it is still there.
  const std::shared_ptr<BrokerTable*> self_;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_BROKER_TABLE_H_
