// What a client is made of: its brokers, its identity, its times, its
// callbacks.
#ifndef CLIENT_CLIENT_OPTIONS_H_
#define CLIENT_CLIENT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_resolver.h"
#include "client/client_runtime.h"
#include "common/client_types.h"

namespace rmq {

// A topic that a consumer group reads, and what it wants of it.
struct Subscription {
  // Letters, digits and % | _ -. Brokers limit the length: by default to 127
  // bytes, 255 for retry and dead-letter topics.
  std::string topic;
  // A filter in the language of `expression_type`, in UTF-8. Empty or "*":
  // every message.
  std::string expression = "*";
  // "TAG" or "SQL92"; empty means TAG.
  std::string expression_type = "TAG";

  // InvalidArgument naming the field, the value and the form that it must have.
  // Whether the expression can be compiled is for a broker to say, see
  // Client::CheckClientConfig().
  absl::Status Validate() const;
};

// One consumer group of a client.
struct ConsumerOptions {
  // Letters, digits and % | _ -. Required. Brokers limit the length: by default
  // to 120 bytes.
  std::string group;
  ConsumeType consume_type = ConsumeType::kConsumePassively;
  MessageModel message_model = MessageModel::kClustering;
  ConsumeFromWhere consume_from_where = ConsumeFromWhere::kLastOffset;
  // Whether the group consumes in units.
  bool unit_mode = false;
  // No topic twice. Brokers limit the number: by default to 1,024.
  std::vector<Subscription> subscriptions;

  // InvalidArgument naming the field, the value and the form that it must have.
  absl::Status Validate() const;
};

// The consumer ids of `group` at `broker` may have changed.
struct ConsumerIdsChanged {
  BrokerEntry broker;
  std::string group;
};

// The entries of brokers of which only the addresses are known.
std::vector<BrokerEntry> UnnamedBrokers(
    const std::vector<std::string>& addresses);

struct ClientOptions {
  // The brokers, where they stay the same and need no names: each "host:port"
  // ("[address]:port" for an IPv6 address); at least one, none twice. The
  // client heartbeats to each of them as to a master. A host name is looked up
  // at each attempt to connect.
  std::vector<std::string> brokers;
  // Tells the brokers, instead of `brokers`: with their names and ids, and as
  // they come and go. A broker that is listed is joined; one that is listed no
  // longer is unregistered from, and closed. While the client has producers
  // only, it joins the masters (id 0) only. May be shared among clients.
  std::shared_ptr<BrokerResolver> resolver;

  // Names this client process, in printable ASCII characters. Brokers limit the
  // length: by default to 255. Empty: built as "ip@instance_name" or
  // "ip@instance_name@unit_name", as RocketMQ does. Two processes must not
  // share one.
  std::string client_id;
  // The second part of the client id that is built. Empty: made of the process
  // id, the time and a random number, so that it is unique also where every
  // process has the id 1 and the same address.
  std::string instance_name;
  // The third part of the client id that is built, if not empty: for clients of
  // one instance that belong to different units (clusters).
  std::string unit_name;

  // Shown to operators: RocketMQ's MQVersion ordinal or a number of one's own.
  int32_t version = 0;

  // The longest time between heartbeats to a broker: at least 100 ms. Where a
  // third of the channel expiry that the broker applies is shorter, that is
  // taken. (RocketMQ: heartbeatBrokerInterval.)
  absl::Duration heartbeat_interval = absl::Seconds(30);
  // The channel expiry to ask brokers for; a broker may apply another. Zero:
  // the broker's own. Must be finite, and not negative.
  absl::Duration requested_channel_expiry = absl::ZeroDuration();
  // A broker that leaves a message on the stream unanswered for this long is
  // taken for stalled: the stream is torn down and set up anew. Must be
  // positive.
  absl::Duration reply_timeout = absl::Seconds(3);
  // How long an attempt to connect may take. Must be positive.
  absl::Duration connect_timeout = absl::Seconds(5);
  // The pause before the nth attempt to reconnect is drawn evenly from [whole /
  // 2, whole]; the whole begins at `initial_backoff` and doubles up to
  // `max_backoff`. The first reply of a broker begins it anew. Must be
  // positive, the maximum at least the initial.
  absl::Duration initial_backoff = absl::Milliseconds(200);
  absl::Duration max_backoff = absl::Seconds(5);

  // The callbacks run on the one callback thread of the runtime, one at a time,
  // with no lock held. They may call any method of the client, and may block:
  // that delays callbacks only. One that throws ends the process
  // (std::terminate), and so does one that destroys its client. None starts
  // once Shutdown() was called. May be empty.

  // Called when a broker pushes that the consumer ids of one of this client's
  // groups changed, and after each connect to a broker, when it has taken the
  // group, since changes may have been missed. Level-triggered: changes in a
  // row may be told as one, but after the last change at least one call begins,
  // and Client::GetConsumerIds() in it then gives the broker's list. Called
  // once more when a broker has settled that said it was settling after its
  // start (ConsumerIds::settling).
  //
  // Brokers push for CLUSTERING groups whose notification is on. For a
  // BROADCASTING group, or where it is off, only the call after each connect
  // comes.
  std::function<void(const ConsumerIdsChanged&)> on_consumer_ids_changed;

  // Called when the state of a broker has changed, or the groups that it skips,
  // or it refused a request: with the latest snapshot. States in between may be
  // left out. kReplaced and kKicked are final; kRefused waits for another
  // statement, with the sizes in `last_error`.
  std::function<void(const BrokerHealth&)> on_broker_health_changed;

  // The threads to run on. Null: three of its own.
  std::shared_ptr<ClientRuntime> runtime;

  // InvalidArgument naming the field, the value and what is allowed.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_OPTIONS_H_
