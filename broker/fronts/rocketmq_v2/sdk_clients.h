// The clients of RocketMQ 5's protocol: who they are, by their ids.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/statement.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"

namespace rmq {

// A client's calls come on any connection, and its Telemetry stream comes and
// goes, so a client is its id. It has one channel in the ClientTable while it
// is in a group, which lives by heartbeats alone: the end of a stream only
// shortens its expiry.
//
// Of a client that is in no group, what it did last is kept: which topics it
// asked routes of, and that it said goodbye. At most kMostIdle of these, half
// of them of one address; the one that was heard longest ago makes room for
// another.
//
// Ids are no secret, so a client's own calls are those of its principal, and,
// if it is anonymous, from the address (an IPv6 network counts as one) where
// its channel was opened. Others' calls with its id may keep a member alive,
// and cannot end it, shorten its expiry, or add to what is inferred of it;
// settings that state a group are taken from any address of its principal, and
// of an anonymous client from any address, since addresses change. What
// is kept of a client that is in no group is dropped when another one uses its
// id.
//
// Differs from RocketMQ's proxy: a heartbeat of a client that has sent no
// settings registers what is known; a client that has said goodbye does not
// come back by a heartbeat that is under way; a killed client expires early.
//
// Thread-safe. No lock is held while the processor is called. Borrows the parts
// of the broker.
class SdkClients {
 public:
  struct Options {
    // How long a client is a member that has no stream and is silent: an expiry
    // that the client asks for, with the bounds of these. More than the 30 s
    // between two heartbeats of the SDK for Rust.
    absl::Duration lost_expiry = absl::Seconds(35);
    // How long heartbeats of a client that has said goodbye register nothing.
    absl::Duration goodbye = absl::Seconds(30);
  };
  static constexpr size_t kMostIdle = 20'000;
  static constexpr size_t kMostIdleOfNetwork = kMostIdle / 2;
  // Topics that are kept of a client that has sent no settings.
  static constexpr size_t kMostTopics = 16;

  // Who makes a call.
  struct Who {
    const SdkHeaders& headers;
    absl::string_view address;
    ClientPrincipal principal;
    absl::Time now;
  };
  // Identifies a Telemetry stream. 0 is none.
  using StreamNumber = uint64_t;

  SdkClients(const Options& options, const ClientBroker& broker)
      : options_(options), broker_(broker) {}
  SdkClients(const SdkClients&) = delete;
  SdkClients& operator=(const SdkClients&) = delete;

  // A stream of the client has opened. A newer stream takes the place of an
  // older one. Returns none if it is not the client's own.
  StreamNumber OpenStream(const Who& who) ABSL_LOCKS_EXCLUDED(mu_);
  // It has ended: unless a newer one has taken its place, the client is lost
  // when it is silent for `lost_expiry` from now on.
  void CloseStream(absl::string_view client_id, StreamNumber stream,
                   absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // The client states `statement`: it is in these groups from now on. `digest`
  // is of the settings' bytes: the same bytes again change nothing.
  CallStatus State(const Who& who, SdkStatementPtr statement, uint64_t digest)
      ABSL_LOCKS_EXCLUDED(mu_);
  // What the client states; null if it states nothing. With a digest: null
  // also if its latest settings have another one.
  SdkStatementPtr StatementOf(absl::string_view client_id) const
      ABSL_LOCKS_EXCLUDED(mu_);
  SdkStatementPtr StatementOf(absl::string_view client_id,
                              uint64_t digest) const ABSL_LOCKS_EXCLUDED(mu_);

  // A heartbeat. `group` is empty if the request has none.
  // Reference: ClientActivity#heartbeat.
  CallStatus Heartbeat(const Who& who, v2::ClientType type,
                       const std::string& group) ABSL_LOCKS_EXCLUDED(mu_);

  // The client says goodbye: it leaves all its groups. OK for a client that is
  // not known, and for another one, whose goodbye does nothing. Reference:
  // ClientActivity#notifyClientTermination. Differs: of a producer's topics,
  // all are left.
  CallStatus Terminate(const Who& who) ABSL_LOCKS_EXCLUDED(mu_);

  // The client has asked for the route of a topic.
  void NoteTopic(const Who& who, const std::string& topic)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Clients that are kept: members, and the others.
  size_t members() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t idle() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Channel;
  struct Client;
  // The clients that are in no group, the one that was heard longest ago first.
  using Idle = std::list<Client*>;

  struct Client {
    void Take(const SdkStatementPtr& stated, uint64_t settings_digest) {
      statement = stated;
      digest = settings_digest;
      if (digest != 0) asked_topics.clear();
    }

    std::string id;
    // Null if nothing is stated.
    SdkStatementPtr statement;
    // Of the settings that `statement` is of; 0 if it is of none.
    uint64_t digest = 0;
    // Null while the client is in no group.
    std::shared_ptr<Channel> channel;
    // What the last heartbeat that was applied in full found.
    uint64_t statement_changes = 0;
    std::string principal;
    // NetworkOf() where the channel was opened, or where it was heard from.
    std::string network;
    // 0: none is open, and the client is lost when it is silent.
    StreamNumber stream = 0;
    absl::Time goodbye_until = absl::InfinitePast();
    std::vector<std::string> asked_topics;
    // Valid while `channel` is null: its places in idle_ and in the network's.
    Idle::iterator idle;
    Idle::iterator idle_of_network;
  };

  // Whether a call that names the client is its own.
  static bool IsOwn(const Client& client, const Who& who);
  // The client that calls, made if need be. It counts as heard. What is kept of
  // another one that is in no group is dropped.
  Client& FindOrMakeLocked(const Who& who) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Client* FindLocked(absl::string_view client_id) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void AddIdleLocked(Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveIdleLocked(Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes the channel away from the client.
  void BecomeIdleLocked(Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What the heartbeat of a client without settings states. Null: nothing is
  // known.
  static SdkStatementPtr Inferred(const Client& client,
                                  const SdkHeaders& headers,
                                  v2::ClientType type,
                                  const std::string& group);

  // Registers `statement` on the client's channel, which is opened if need be.
  // If the registry takes it, it is what the client states.
  CallStatus Register(const Who& who, const SdkStatementPtr& statement,
                      uint64_t digest) ABSL_LOCKS_EXCLUDED(mu_);
  // The same of a statement without a group: the client leaves all groups.
  CallStatus LeaveAll(const Who& who, const SdkStatementPtr& statement,
                      uint64_t digest) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes a channel that is closed from its client.
  void Forget(const Channel& channel) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  const ClientBroker broker_;

  mutable absl::Mutex mu_;
  StreamNumber last_stream_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, std::unique_ptr<Client>> clients_
      ABSL_GUARDED_BY(mu_);
  Idle idle_ ABSL_GUARDED_BY(mu_);
  // The same by their networks. None is empty.
  absl::flat_hash_map<std::string, Idle> idle_of_networks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_H_
