// Watches who joins and who leaves the groups of brokers: for consoles, for
// audits, and for applications that follow groups that they are not members of.
//
//   rmq::MembershipWatcherOptions options;
//   options.brokers = {"127.0.0.1:10911"};
//   options.groups = {"orders"};
//   options.on_event = [](const std::string& broker,
//                         const rmq::WatchedEvent& event) { ... };
//   absl::StatusOr<std::unique_ptr<rmq::MembershipWatcher>> watcher =
//       rmq::MembershipWatcher::Start(std::move(options));
//
// Where brokers come and go, `options.resolver = "etcd:///CLUSTER"` (or another
// resolver) in the place of `brokers`.
#ifndef CLIENT_WATCH_MEMBERSHIP_WATCHER_H_
#define CLIENT_WATCH_MEMBERSHIP_WATCHER_H_

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
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/broker_source.h"
#include "client/client_runtime.h"
#include "client/discovery/discovery_options.h"
#include "client/watch/watched_event.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq {

// Callbacks run on the runtime's callback thread, one at a time, and in order
// for each broker. A callback that takes long delays the others, and in the end
// the watch: at most kMaxWaitingCallbacks wait, and after that nothing more is
// read. The broker then cuts the watch, which goes on where it was cut, or
// tells of a gap. Any callback may be left out.
struct MembershipWatcherOptions {
  // "host:port" each; at least one, none twice. Each is watched by itself.
  std::vector<std::string> brokers;
  // Lists the brokers instead of `brokers`, as they come and go: as
  // ClientOptions::resolver. Each broker of the list is watched, and one that
  // is listed no more is left: at once, or if the resolver says so
  // (BrokerResolver::UnlistedStay(), as etcd's) once it has ended the call as
  // it goes down, or has not answered for a minute in which there was room for
  // callbacks. So the end of a drain is seen, and a broker that etcd has lost
  // from sight is watched on. One that comes back after it was left is watched
  // anew, from who is there then: there is no gap, but on_brokers has told that
  // it was left. A broker that is listed at two addresses is told twice.
  BrokerResolverOption resolver;
  // How the source of a string is asked.
  DiscoveryOptions discovery;
  // As in ClientOptions.
  absl::optional<TlsOptions> tls;
  absl::optional<Credentials> credentials;
  bool allow_insecure_credentials = false;

  // Empty: all groups, and what happens to no group. At most 256, each once.
  std::vector<std::string> groups;
  // Which kinds of groups. At least one must be true.
  bool consumers = true;
  bool producers = true;

  // 0: begin with who is there now. Else with the events of this revision and
  // of those after it; then nobody is known before a gap. Must be 0 unless
  // `brokers` has one: a revision is one broker's.
  uint64_t from_revision = 0;
  // The broker process that from_revision is of; 0: any.
  uint64_t broker_incarnation = 0;

  // The brokers that are watched are these from now on: the first call comes
  // before any other one, and no call about a broker comes after it was left.
  // In the other callbacks `broker` is BrokerEntry::address.
  std::function<void(const std::vector<BrokerEntry>& brokers)> on_brokers;
  // Something has happened at a broker: each event once, in the broker's order,
  // from on_synced on.
  std::function<void(const std::string& broker, const WatchedEvent& event)>
      on_event;
  // The members are known: MembershipWatcher::Members() has them. At the
  // beginning, and after a gap.
  std::function<void(const std::string& broker, const WatchPosition& position)>
      on_synced;
  // Events are lost; on_synced follows.
  std::function<void(const std::string& broker, const WatchGap& gap)> on_gap;
  // The broker answers the watch, or does so no more, or not yet.
  std::function<void(const std::string& broker, const WatchState& state)>
      on_state;

  // How long an attempt to connect, with the broker's first answer, may take.
  absl::Duration connect_timeout = absl::Seconds(3);
  // The pauses between attempts grow from the one to the other; after
  // UNAUTHENTICATED and PERMISSION_DENIED from 30 s to 5 min instead.
  absl::Duration initial_backoff = absl::Milliseconds(200);
  absl::Duration max_backoff = absl::Seconds(5);

  // A broker that has more members is not watched: on_state says so.
  size_t max_members = 1'000'000;

  // The threads to run on. Null: three of its own.
  std::shared_ptr<ClientRuntime> runtime;

  // InvalidArgument naming the field, the value and what is allowed.
  absl::Status Validate() const;
};

// Watches each broker over one Watch call, beside the others. A call that ends,
// or that is silent for 30 s, is set up again, with backoff, and goes on at the
// revision where it was cut: nothing is told twice, and nothing is left out. If
// that is not possible, as the broker was started anew or does not keep the
// events any more, on_gap says so, and everybody is told anew.
//
// Thread-safety: thread-safe.
// Errors of a broker: on_state has them; the watcher tries again until
// Shutdown(). A broker without the method answers UNIMPLEMENTED.
class MembershipWatcher {
 public:
  static constexpr size_t kMaxWaitingCallbacks = 1'000;

  // Begins to watch, and returns. Errors: as those of Client::Create() for its
  // options.
  static absl::StatusOr<std::unique_ptr<MembershipWatcher>> Start(
      MembershipWatcherOptions options);

  // Shutdown(), then waits for a callback that is still running. Must not be
  // called inside a callback.
  ~MembershipWatcher();
  MembershipWatcher(const MembershipWatcher&) = delete;
  MembershipWatcher& operator=(const MembershipWatcher&) = delete;

  // The members of a group at a broker, in the order in which their channels
  // were opened; empty if there is no such group. The state is the latest one:
  // callbacks about it may still wait.
  //
  // `broker` is an address. Unavailable if the members are not known yet; after
  // that the last ones that were known, while the broker is away and after a
  // gap too. InvalidArgument if `broker` is not one of Brokers().
  // FailedPrecondition after Shutdown().
  absl::StatusOr<std::vector<WatchedMember>> Members(
      absl::string_view broker, absl::string_view group,
      bool is_producer = false) const;

  // The groups that have members at a broker: consumer groups first, by name.
  // Errors as those of Members().
  absl::StatusOr<std::vector<WatchedGroup>> Groups(
      absl::string_view broker) const;

  // The brokers that are watched now: those of the options, or of the resolver.
  // FailedPrecondition after Shutdown().
  absl::StatusOr<std::vector<BrokerEntry>> Brokers() const;

  // Ends the watches. No callback begins after this returns; inside a callback,
  // none after that one. Waits for the one that runs, for at most `timeout`:
  // else DeadlineExceeded. Idempotent.
  absl::Status Shutdown(absl::Duration timeout);

 private:
  class Impl;
  explicit MembershipWatcher(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // CLIENT_WATCH_MEMBERSHIP_WATCHER_H_
