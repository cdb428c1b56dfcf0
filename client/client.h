// The client library: registers an application's producer and consumer groups
// with RocketMQ brokers' client managers, keeps them registered, and calls the
// application when the membership of a consumer group changes.
//
//   rmq::ClientOptions options;
//   options.brokers = {"127.0.0.1:10911"};
//   options.on_membership_changed = [](const rmq::MembershipChange& change) {
//     // Balance among change.members.
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

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client_options.h"
#include "client/consumer_ids.h"

namespace rmq {

// One client of all its brokers: MQClientInstance's role. An interface, so that
// an application can be tested without a broker: mock_client.h.
//
// After Start() the client holds one stream to each broker, states its groups
// over it, and heartbeats: at once, a second later, then each heartbeat
// interval. Brokers are independent of each other: a broker that stalls or is
// away delays no other. The client sets a lost stream up again, with backoff,
// until Shutdown(). There are two ends after which it stays away: the broker
// itself says that another process replaced this client (kReplaced), or that an
// operator took it out (kKicked). A client that was taken out comes back after
// the time that the broker says. Otherwise the client stays away until
// Reconnect(), or until the resolver has dropped the broker from its list and
// lists it again. A broker that drains may also say when to come back. If two
// addresses lead to one broker, the client is online over one of them, and
// keeps the other in reserve (kReserve) until that one fails. If the client's
// groups and subscriptions are too large for a broker's frames, the client
// stays away from it until they change (kRefused). A client without a group has
// no stream; a client with producers only has streams to masters only.
//
// Membership is per broker: callbacks and queries name the broker, and a client
// makes no union of several brokers' lists. MergedMembership does, by a rule.
//
// Thread-safety: thread-safe. No method but GetConsumerIds(),
//   WaitForMembers(), CheckClientConfig(), Shutdown(), and Start() where there
//   are expressions to check, waits for the network.
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
  // Does not connect yet. InvalidArgument if `options` do not validate;
  // AlreadyExists if another client on the same runtime has this client id. If
  // a file that the options name cannot be used, an error with the file and the
  // reason: FailedPrecondition for the files of TLS, and for credentials those
  // of ReadCredentialsFile().
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // Shutdown(3 s), then waits for a callback that is still running. Must not be
  // called inside a callback.
  virtual ~Client() = default;

  // Groups may be registered, changed and unregistered before Start() and after
  // it. Connected brokers hear of a change at once; several changes within 100
  // ms share one heartbeat.

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

  // Begins to connect, and returns. The client tries brokers that are away
  // until they come back. Idempotent.
  //
  // Before that, a broker checks the subscriptions of other types than TAG: the
  // client asks one broker after the other until one answers, for at most
  // ClientOptions::connect_timeout. If the broker refuses any subscription, the
  // client is not started, and the error names each group and topic with the
  // broker's words (InvalidArgument, or FailedPrecondition if the broker does
  // not support the type). If no broker can be asked, the client is not started
  // either: Unavailable, or DeadlineExceeded. Correct the subscription, or
  // wait, and call Start() again. Subscribe() of a started client asks no
  // broker; use CheckClientConfig(). Reference:
  // MQClientInstance#checkClientInBroker.
  virtual absl::Status Start() = 0;

  // Unregisters every group at each connected broker, ends the streams, cancels
  // calls of GetConsumerIds(), WaitForMembers() and CheckClientConfig() that
  // wait, and waits for a callback that is running. Returns within `timeout`;
  // at once if `timeout` is not positive.
  //
  // OK if no connected broker has a group of this client left, and no callback
  // is running. Else the broker's error, or DeadlineExceeded. The client is
  // shut down all the same: brokers notice the end of the connection, and no
  // callback begins, but one that is running already goes on until it returns.
  //
  // Idempotent: a further call waits for the same end and returns the same
  // status. A call inside a callback does not wait for that callback.
  virtual absl::Status Shutdown(absl::Duration timeout) = 0;

  // The client ids of a consumer group at the broker of this address
  // ("host:port" as in the options or from the resolver).
  //
  // Blocks for at most `timeout`, which must be positive. It is a call of its
  // own, so it needs neither Start() nor a stream. Safe to retry.
  //
  // NotFound: the broker has no consumer in this group. InvalidArgument: the
  // client has no such broker, or a bad group. Unavailable: the broker cannot
  // be reached. DeadlineExceeded. Cancelled: by Shutdown(), or because the
  // resolver dropped the broker.
  virtual absl::StatusOr<ConsumerIds> GetConsumerIds(
      absl::string_view address, absl::string_view group,
      absl::Duration timeout) = 0;

  // Whether `members`, all client ids of a group in alphabetical order, are
  // those that are waited for.
  using MembersPredicate =
      std::function<bool(const std::vector<std::string>& members)>;

  // Waits until `predicate` holds for the members of a consumer group of this
  // client at the broker of this address, and returns those members. While the
  // client is not online there, it waits for the broker to tell them anew.
  // `predicate` is called on this thread with no lock held, once for each list
  // that the client hears of; a list is left out if a later one has come.
  //
  // Blocks for at most `timeout`, which must be positive; may be called before
  // Start(), and inside a callback. From the first call on the client keeps the
  // group's list up to date at that broker, as for
  // ClientOptions::on_membership_changed.
  //
  // NotFound: the client does not have the group, or unregisters it meanwhile.
  // InvalidArgument: the client has no such broker, or a bad group; or there is
  // no `predicate`.
  // DeadlineExceeded. Cancelled: by Shutdown().
  virtual absl::StatusOr<std::vector<std::string>> WaitForMembers(
      absl::string_view address, absl::string_view group,
      MembersPredicate predicate, absl::Duration timeout) = 0;
  // As above, for `count` members at least.
  absl::StatusOr<std::vector<std::string>> WaitForMembers(
      absl::string_view address, absl::string_view group, size_t count,
      absl::Duration timeout) {
    return WaitForMembers(
        address, group,
        [count](const std::vector<std::string>& members) {
          return members.size() >= count;
        },
        timeout);
  }

  // Asks a broker whether it would accept this subscription for this group. The
  // broker checks the expression, and registers nothing. Blocks as
  // GetConsumerIds() does.
  //
  // InvalidArgument: the expression or the form is wrong. FailedPrecondition:
  // the broker does not support the expression type. Other errors as
  // GetConsumerIds().
  virtual absl::Status CheckClientConfig(absl::string_view address,
                                         absl::string_view group,
                                         const Subscription& subscription,
                                         absl::Duration timeout) = 0;

  // Sets up a stream at once to each broker that this client was taken off or
  // stays away from (kKicked, kReplaced, kRefused), or that it would try after
  // a pause (kBackoff). A broker that still keeps the client out says so again.
  // Does nothing at the other brokers, before Start() and after Shutdown().
  virtual void Reconnect() = 0;
  // The same at one broker. InvalidArgument if `address` is not that of one of
  // the client's brokers.
  virtual absl::Status Reconnect(absl::string_view address) = 0;

  // A snapshot of each broker: first the brokers of the options or of the
  // resolver's latest list, in that order, then the brokers that the client is
  // leaving.
  virtual std::vector<BrokerHealth> Health() const = 0;

  // "ip@instance" or "ip@instance@unit", as brokers list it.
  virtual const std::string& client_id() const = 0;
  // A random number, drawn when the client was created, never 0. By it brokers
  // tell this process from an older process with the same client id.
  virtual uint64_t incarnation() const = 0;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_H_
