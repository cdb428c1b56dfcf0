// The settings of a client: its brokers, identity, times and callbacks.
#ifndef CLIENT_CLIENT_OPTIONS_H_
#define CLIENT_CLIENT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_resolver.h"
#include "client/broker_warning.h"
#include "client/client_runtime.h"
#include "client/discovery/discovery_options.h"
#include "client/membership_change.h"
#include "common/backoff.h"
#include "common/client_types.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq {

// A topic that a consumer group reads, and which of its messages.
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

// Entries that have an address and no name.
std::vector<BrokerEntry> UnnamedBrokers(
    const std::vector<std::string>& addresses);

struct ClientOptions {
  // The addresses of brokers that stay the same and need no names: each
  // "host:port" ("[address]:port" for an IPv6 address); at least one, none
  // twice. The client treats each of them as a master. It looks a host name up
  // at each attempt to connect.
  std::vector<std::string> brokers;
  // Lists the brokers instead of `brokers`, as they come and go: a string that
  // names a source, of which Client::Create() makes a resolver
  // (client/discovery/resolver_uri.h), or a resolver, which clients may share.
  //
  //   options.resolver = "dns:///brokers.example.com:10911";
  //   options.resolver = std::make_shared<rmq::SettableBrokerResolver>();
  //
  // The client joins each broker of the list. From a broker that is not listed
  // any more it unregisters, and closes the connection. While the client has
  // producers only, it joins the masters (id 0) only. Null or empty: not given.
  absl::variant<std::shared_ptr<BrokerResolver>, std::string> resolver;
  // How the source of a string is asked.
  DiscoveryOptions discovery;

  // How connections to brokers are secured. Not given: in plain text. With
  // "dns:///NAME:PORT" as the resolver, the name of the brokers' certificates
  // is NAME if `tls` has no other.
  absl::optional<TlsOptions> tls;
  // With what the client says who it is. Not given: it does not say, and is
  // anonymous unless TLS has a certificate of its own. Without `tls`,
  // credentials may go to brokers on this machine only, and with a resolver
  // whose list may change not at all: who listens on the way could use them
  // ever after.
  absl::optional<Credentials> credentials;
  // Credentials may go anywhere in plain text: where the network itself is
  // trusted, or encrypts.
  bool allow_insecure_credentials = false;

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

  // What operators find this client by, such as its zone: shown in listings and
  // events. At most 16 with those that are added below; keys of 1 to 64 bytes
  // and values of at most 256, in UTF-8 without control characters. Brokers of
  // a version without labels ignore them.
  std::map<std::string, std::string> labels;
  // Whether to add the label kHostLabel, the name of this host.
  bool label_host_name = false;
  // The value of the label kApplicationVersionLabel; empty: there is none.
  std::string application_version;

  static constexpr char kHostLabel[] = "host";
  static constexpr char kApplicationVersionLabel[] = "application_version";

  // Shown to operators: RocketMQ's MQVersion ordinal or a number of one's own.
  int32_t version = 0;

  // The longest time between heartbeats to a broker: at least 100 ms. A third
  // of the channel expiry that the broker applies counts instead, if it is
  // shorter. (RocketMQ: heartbeatBrokerInterval.)
  absl::Duration heartbeat_interval = absl::Seconds(30);
  // The channel expiry to ask brokers for: how long a client may be silent
  // before its peers hear that it is gone. A broker keeps it between bounds of
  // its own, and BrokerHealth::channel_expiry tells what it applies. Zero: the
  // broker's own. Must be finite, and not negative.
  absl::Duration requested_channel_expiry = absl::ZeroDuration();
  // If a broker leaves a message on the stream unanswered for this long, the
  // client drops the stream and sets up a new one. Must be positive.
  absl::Duration reply_timeout = absl::Seconds(3);
  // How long an attempt to connect may take. Must be positive.
  absl::Duration connect_timeout = absl::Seconds(5);
  // The pause before the nth attempt to reconnect is drawn evenly from [whole /
  // 2, whole]; the whole begins at `initial_backoff` and doubles up to
  // `max_backoff`. The first reply of a broker begins it anew. Must be
  // positive, the maximum at least the initial. After UNAUTHENTICATED and
  // PERMISSION_DENIED of a broker the pauses are 30 s to 5 min instead.
  absl::Duration initial_backoff = Backoff::Options().initial;
  absl::Duration max_backoff = Backoff::Options().maximum;

  // The callbacks run on the one callback thread of the runtime, one at a time,
  // with no lock held. They may call any method of the client, and may block:
  // that delays callbacks only. One that throws ends the process
  // (std::terminate), and so does one that destroys its client. None starts
  // once Shutdown() was called. May be empty.

  // Called with the members of a consumer group of this client at one broker:
  // first when the client is online there and knows them, then whenever a
  // client id has joined or left, and again after each reconnect. Who joined
  // and who left is told against the call before, for the same broker and
  // group. A slow callback misses states in between, and sees the latest in the
  // end.
  //
  // The client keeps each list by the broker's pushes, acknowledges it, and is
  // told again what it has missed: once changes stop, it has the broker's list
  // within one heartbeat interval. For a BROADCASTING group, or one whose
  // notification is off, brokers push nothing: calls come when the client
  // connects, and when it states its groups anew.
  std::function<void(const MembershipChange&)> on_membership_changed;

  // Called with each warning of a broker: once, and again if it changes or if
  // it holds again after it did not. BrokerHealth::warnings has those that
  // hold.
  std::function<void(const BrokerWarning&)> on_warning;

  // Prefer on_membership_changed: it has the members, and is told again what
  // was missed. This callback says only that there is something to ask for.
  //
  // Called when a broker pushes that the consumer ids of one of this client's
  // groups changed. Also called after each connect to a broker, when the broker
  // has accepted the group, since the client may have missed changes. Several
  // changes may share one call, but at least one call begins after the last
  // change, and Client::GetConsumerIds() in that call returns the broker's
  // list. Called once more when a broker that was settling after its start has
  // settled (ConsumerIds::settling).
  //
  // Brokers push for CLUSTERING groups whose notification is on. For a
  // BROADCASTING group, or where it is off, only the call after each connect
  // comes. A second stream of a client id is pushed too, but not to a client
  // that has on_membership_changed.
  std::function<void(const ConsumerIdsChanged&)> on_consumer_ids_changed;

  // Called with the latest snapshot when the state of a broker or the groups
  // that it skips have changed, or when it refused a request. States in between
  // may be left out. kKicked lasts until `retry_at`, kReplaced until
  // Client::Reconnect(). kRefused lasts until the client's groups change;
  // `last_error` has the sizes.
  std::function<void(const BrokerHealth&)> on_broker_health_changed;

  // The threads to run on. Null: three of its own.
  std::shared_ptr<ClientRuntime> runtime;

  // InvalidArgument naming the field, the value and what is allowed.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_OPTIONS_H_
