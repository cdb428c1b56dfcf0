// The client library: registers an application's producer and consumer groups
// with RocketMQ brokers' client managers, keeps them registered, and tells when
// the membership of a consumer group changes.
//
//   rmq::ClientOptions options;
//   options.brokers = {"127.0.0.1:10911"};
//   options.on_consumer_ids_changed = [](const rmq::ConsumerIdsChanged& change)
//   {
//     // Ask GetConsumerIds(change.broker.address, ...), and balance.
//   };
//   absl::StatusOr<std::unique_ptr<rmq::Client>> client =
//       rmq::Client::Create(std::move(options));
//   if (!client.ok()) return client.status();
//   rmq::ConsumerOptions consumer;
//   consumer.group = "orders";
//   consumer.subscriptions = {{"order-events"}};
//   absl::Status status = (*client)->RegisterConsumer(std::move(consumer));
//   if (!status.ok()) return status;
//   status = (*client)->Start();
//   ...
//   status = (*client)->Shutdown(absl::Seconds(3));
#ifndef CLIENT_CLIENT_H_
#define CLIENT_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/client_options.h"

namespace rmq {

// The consumer ids of a group, as one broker sees it.
struct ConsumerIds {
  BrokerEntry broker;  // The name and id are those that it gives itself.
  // In the order in which the streams were opened. A client that has two
  // streams to the broker is here twice.
  std::vector<std::string> client_ids;
  // How much longer the broker is settling after its start: until then members
  // that have not come back yet may be missing here, so wait before you take
  // over work. When the time is over, ClientOptions::on_consumer_ids_changed is
  // called for each consumer group that the broker has taken. Zero: it has
  // settled, or is one of a version that does not tell.
  absl::Duration settling = absl::ZeroDuration();
};

// One client of all its brokers: MQClientInstance's role. An interface, so that
// an application can be tested without a broker: mock_client.h.
//
// After Start() the client holds one stream to each broker, states its groups
// over it, and repeats that it is alive: at once, a second later, then each
// heartbeat interval. Brokers are independent of each other: one that stalls or
// is away delays no other. A lost stream is set up again, with backoff, until
// Shutdown(); only a broker that says itself that another process took this
// client's place (kReplaced), or that an operator took it out (kKicked), is
// left alone, until the resolver takes it out of its list and names it again.
// Where two addresses lead to one broker, the client is online over one of
// them, and the other is in reserve (kReserve) until that one fails. A broker
// for whose frames the client's groups and subscriptions are too large is left
// alone until they change (kRefused). While the client has no group it holds no
// stream; while it has producers only, it holds those to masters.
//
// Membership is per broker: callbacks and queries name the broker, and there is
// no union.
//
// Thread-safety: thread-safe. No method but GetConsumerIds(),
//   CheckClientConfig(), Shutdown(), and Start() where there are expressions to
//   check, waits for the network.
// Threads: those of ClientOptions::runtime, or three of its own.
// Errors: InvalidArgument names the field, the value and the form that it must
//   have. The client checks the form alone. Limits on lengths and numbers are
//   each broker's own: a broker that refuses a statement for one says so in
//   BrokerHealth::last_error, and a group that it leaves out is one of
//   BrokerHealth::skipped_groups. Every method that can fail gives
//   FailedPrecondition once Shutdown() was called.
// Reference: client/impl/factory/MQClientInstance.java.
class Client {
 public:
  // Connects to nothing yet. InvalidArgument if `options` do not validate;
  // AlreadyExists if a client of this id is on the same runtime.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // Shutdown(3 s), then waits for a callback that is still running. Must not be
  // called inside a callback.
  virtual ~Client() = default;

  // Groups may be registered, changed and unregistered before Start() and
  // after it; brokers that are connected are told at once, several changes
  // within 100 ms as one.

  // AlreadyExists if this client has the producer group already.
  virtual absl::Status RegisterProducer(absl::string_view group) = 0;
  // NotFound if this client has no such producer group.
  virtual absl::Status UnregisterProducer(absl::string_view group) = 0;

  // AlreadyExists if this client has the consumer group already.
  virtual absl::Status RegisterConsumer(ConsumerOptions consumer) = 0;
  // NotFound if this client has no such consumer group.
  virtual absl::Status UnregisterConsumer(absl::string_view group) = 0;

  // Adds a subscription to a consumer group of this client, or replaces the one
  // of the same topic. NotFound if there is no such group.
  virtual absl::Status Subscribe(absl::string_view group,
                                 Subscription subscription) = 0;
  // NotFound if there is no such group, or if it does not read the topic.
  virtual absl::Status Unsubscribe(absl::string_view group,
                                   absl::string_view topic) = 0;

  // Begins to connect, and returns: brokers that are away are tried until they
  // come. Idempotent.
  //
  // Subscriptions of other types than TAG are checked first: one broker after
  // the other is asked until one tells, for ClientOptions::connect_timeout at
  // the most. If it refuses any, the client is not started, and the error names
  // each group and topic with the broker's words (InvalidArgument, or
  // FailedPrecondition: it does not support the type). If no broker can be
  // asked, neither: Unavailable, or DeadlineExceeded. Mend it, or wait, and
  // call Start() again. Once started, Subscribe() does not ask:
  // CheckClientConfig() does.
  // Reference: MQClientInstance#checkClientInBroker.
  virtual absl::Status Start() = 0;

  // Takes every group out at each connected broker, ends the streams, cancels
  // GetConsumerIds() and CheckClientConfig() where they wait, and waits for a
  // callback that is running. Returns within `timeout` (not positive: at once).
  //
  // OK if no connected broker has a group of this client left, and no callback
  // is running. Else the broker's error, or DeadlineExceeded; the client is
  // shut down all the same, brokers notice the end of the connection, and of
  // the callbacks only one that was running already may go on until it returns.
  //
  // Idempotent: a further call waits for the same end and returns the same.
  // Inside a callback it does not wait for that callback.
  virtual absl::Status Shutdown(absl::Duration timeout) = 0;

  // The client ids of a consumer group at the broker of this address
  // ("host:port" as in the options or from the resolver).
  //
  // Blocks for at most `timeout`, which must be positive. It asks over a call
  // of its own, so it needs neither Start() nor a stream. Safe to retry.
  //
  // NotFound: the broker has no consumer in this group. InvalidArgument: the
  // client has no such broker, or a bad group. Unavailable: the broker cannot
  // be reached. DeadlineExceeded. Cancelled: by Shutdown(), or because the
  // resolver took the broker out.
  virtual absl::StatusOr<ConsumerIds> GetConsumerIds(
      absl::string_view address, absl::string_view group,
      absl::Duration timeout) = 0;

  // Whether a broker would take this subscription for this group: checks the
  // expression, and registers nothing. Blocks as GetConsumerIds() does.
  //
  // InvalidArgument: the expression or the form is wrong. FailedPrecondition:
  // the broker does not support the expression type. Other errors as
  // GetConsumerIds().
  virtual absl::Status CheckClientConfig(absl::string_view address,
                                         absl::string_view group,
                                         const Subscription& subscription,
                                         absl::Duration timeout) = 0;

  // How the client stands with each broker: those of the options or of the
  // resolver's latest list, in its order, then those that it is leaving.
  virtual std::vector<BrokerHealth> Health() const = 0;

  // "ip@instance" or "ip@instance@unit", as brokers list it.
  virtual const std::string& client_id() const = 0;
  // Drawn when the client was created, never 0: tells brokers this process from
  // an older one of the same client id.
  virtual uint64_t incarnation() const = 0;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_H_
