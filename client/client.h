// The client library: registers an application's producer and consumer groups
// with RocketMQ brokers' client managers, keeps them registered, and tells when
// the membership of a consumer group changes.
//
//   rmq::ClientOptions options;
//   options.brokers = {"127.0.0.1:10911"};
//   options.on_consumer_ids_changed = [](const rmq::ConsumerIdsChanged& change)
//   {
//     // Ask GetConsumerIds(change.broker, change.group, ...), and balance.
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
#include "client/broker_health.h"
#include "client/client_options.h"

namespace rmq {

// One client of every broker named in its options: MQClientInstance's role.
//
// After Start() the client holds one stream to each broker, states its groups
// over it, and repeats that it is alive: at once, a second later, then each
// heartbeat interval. Brokers are independent of each other: one that stalls or
// is away delays no other. A lost stream is set up again, with backoff, until
// Shutdown(); only a broker that says that another stream took this client's
// place (kReplaced), or that an operator took it out (kKicked), is left alone.
// While the client has no group it holds no stream.
//
// Membership is per broker: callbacks and queries name the broker, and there is
// no union.
//
// Thread-safety: thread-safe. No method but GetConsumerIds(),
//   CheckClientConfig() and Shutdown() waits for the network.
// Threads: those of ClientOptions::runtime, or three of its own.
// Errors: InvalidArgument and ResourceExhausted (too many groups or
//   subscriptions) name the field, the value and what is allowed. Every method
//   that can fail gives FailedPrecondition once Shutdown() was called.
// Reference: client/impl/factory/MQClientInstance.java.
class Client {
 public:
  // Connects to nothing yet. InvalidArgument if `options` do not validate;
  // AlreadyExists if a client of this id is on the same runtime.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Shutdown(3 s), then waits for a callback that is still running. Must not be
  // called inside a callback.
  ~Client();

  // Groups may be registered, changed and unregistered before Start() and
  // after it; brokers that are connected are told at once, several changes
  // within 100 ms as one.

  // AlreadyExists if this client has the producer group already.
  absl::Status RegisterProducer(absl::string_view group);
  // NotFound if this client has no such producer group.
  absl::Status UnregisterProducer(absl::string_view group);

  // AlreadyExists if this client has the consumer group already.
  absl::Status RegisterConsumer(ConsumerOptions consumer);
  // NotFound if this client has no such consumer group.
  absl::Status UnregisterConsumer(absl::string_view group);

  // Adds a subscription to a consumer group of this client, or replaces the one
  // of the same topic. NotFound if there is no such group.
  absl::Status Subscribe(absl::string_view group, Subscription subscription);
  // NotFound if there is no such group, or if it does not read the topic.
  absl::Status Unsubscribe(absl::string_view group, absl::string_view topic);

  // Begins to connect, and returns: brokers that are away are tried until they
  // come. Idempotent.
  absl::Status Start();

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
  absl::Status Shutdown(absl::Duration timeout);

  // The client ids of a consumer group at one of the brokers of the options, in
  // the order of joining. A client that has two streams to the broker is listed
  // twice.
  //
  // Blocks for at most `timeout`, which must be positive. It asks over a call
  // of its own, so it needs neither Start() nor a stream. Safe to retry.
  //
  // NotFound: the broker has no consumer in this group. InvalidArgument: no
  // such broker in the options, or a bad group. Unavailable: the broker cannot
  // be reached. DeadlineExceeded. Cancelled: by Shutdown().
  absl::StatusOr<std::vector<std::string>> GetConsumerIds(
      absl::string_view broker, absl::string_view group,
      absl::Duration timeout);

  // Whether a broker would take this subscription for this group: checks the
  // expression, and registers nothing. Blocks as GetConsumerIds() does.
  //
  // InvalidArgument: the expression or the form is wrong. FailedPrecondition:
  // the broker does not support the expression type. Other errors as
  // GetConsumerIds().
  absl::Status CheckClientConfig(absl::string_view broker,
                                 absl::string_view group,
                                 const Subscription& subscription,
                                 absl::Duration timeout);

  // How the client stands with each broker, in the order of the options.
  std::vector<BrokerHealth> Health() const;

  // "ip@instance", as brokers list it.
  const std::string& client_id() const;
  // Drawn when the client was created, never 0: tells brokers this process from
  // an older one of the same client id.
  uint64_t incarnation() const;

 private:
  class Impl;

  explicit Client(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_H_
