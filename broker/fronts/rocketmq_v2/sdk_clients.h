// The clients of RocketMQ 5's protocol: who they are, and what they state.
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
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/rocketmq_v2/sdk_client_key.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/statement.h"
#include "common/client_network.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"

namespace rmq {

// A client's calls come on any connection, and its Telemetry stream comes and
// goes, so a client is its id and its network. It has one channel in the
// ClientTable while it is in a group, which lives by heartbeats alone: the end
// of a stream only shortens its expiry. Clients with one id at several networks
// know nothing of each other; one whose address changes is another client from
// then on.
//
// Of a client that is in no group, what it did last is kept: which topics it
// asked routes of, and that it said goodbye. At most kMostIdle of these, half
// of them of one address; the one that was heard longest ago makes room for
// another.
//
// Several users may be at one network. A client is its user's: what others say
// with its id is FORBIDDEN, or does nothing. An anonymous one is anybody's, and
// becomes that of a user who registers it. What is kept of a user's client that
// is in no group is dropped when somebody else uses its id.
//
// Differs from RocketMQ's proxy: a heartbeat of a client that has sent no
// settings registers what is known, the topics of its other calls included; a
// client that has said goodbye does not come back by a heartbeat that is under
// way; a killed client expires early.
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
    // Of `address`.
    ClientNetwork network = ClientNetworkOf(address);

    SdkClientKey key() const { return {headers.client_id, network}; }
  };
  // Identifies a Telemetry stream. 0 is none.
  using StreamNumber = uint64_t;

  // Hears which clients are in a group and have no stream: nothing but their
  // calls tells that they are there. Called with the lock held.
  class Streamless {
   public:
    virtual ~Streamless() = default;
    // `address` is that of a call of the client.
    virtual void AddStreamless(const SdkClientKey& key,
                               absl::string_view address, absl::Time now) = 0;
    virtual void RemoveStreamless(const SdkClientKey& key) = 0;
  };

  // `streamless` is borrowed; null: nobody hears of them.
  SdkClients(const Options& options, const ClientBroker& broker,
             Streamless* streamless = nullptr)
      : options_(options), broker_(broker), streamless_(streamless) {}
  SdkClients(const SdkClients&) = delete;
  SdkClients& operator=(const SdkClients&) = delete;

  // A stream has opened, and takes the place of an older one of the client. It
  // is none of the client's while another user holds this.
  StreamNumber OpenStream(const Who& who) ABSL_LOCKS_EXCLUDED(mu_);
  // It has ended: unless a newer one has taken its place, the client is lost
  // when it is silent for `lost_expiry` from now on.
  void CloseStream(const SdkClientKey& key, StreamNumber stream, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The client's stream. None also if the client is in no group, while another
  // user holds its id, unless rules are only tried out.
  StreamNumber StreamOf(const SdkClientKey& key) const ABSL_LOCKS_EXCLUDED(mu_);

  // The client states `statement`: it is in these groups from now on. `digest`
  // is of the settings' bytes: the same bytes again change nothing. `stream` is
  // the open one that brought them; it is the client's if no newer one is.
  CallStatus State(const Who& who, SdkStatementPtr statement, uint64_t digest,
                   StreamNumber stream = 0) ABSL_LOCKS_EXCLUDED(mu_);
  // What the client states, if its latest settings have this digest; null if
  // not, or if it is another user's.
  SdkStatementPtr StatementOf(const Who& who, uint64_t digest) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // What the client states; of one that has sent no settings what a heartbeat
  // says and the topics that it has asked for. Null if these say nothing.
  // Nothing of another user's client.
  SdkStatementPtr StatementBy(const Who& who, v2::ClientType type,
                              const std::string& group) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // A heartbeat. `group` is empty if the request has none.
  // Reference: ClientActivity#heartbeat.
  CallStatus Heartbeat(const Who& who, v2::ClientType type,
                       const std::string& group) ABSL_LOCKS_EXCLUDED(mu_);
  // The same, where rules hold: of a client that has sent no settings,
  // `statement` is registered, which they allow, whatever it asks for
  // meanwhile.
  CallStatus Heartbeat(const Who& who, const SdkStatementPtr& statement)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The client says goodbye: it leaves all its groups. OK for a client that is
  // not known, and for another user's, whose goodbye does nothing. Reference:
  // ClientActivity#notifyClientTermination. Differs: of a producer's topics,
  // all are left.
  CallStatus Terminate(const Who& who) ABSL_LOCKS_EXCLUDED(mu_);

  // The client has asked for the route of a topic, or for its queues.
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

  // No number of changes of the processor.
  static constexpr uint64_t kNotRegistered = ~uint64_t{0};

  struct Client {
    void State(const SdkStatementPtr& stated, uint64_t settings_digest) {
      if (statement != stated) statement_changes = kNotRegistered;
      statement = stated;
      digest = settings_digest;
      if (digest != 0) asked_topics.clear();
    }
    void BelongTo(const ClientPrincipal& owner) {
      principal = std::string(owner.name);
      is_trial = owner.is_trial;
    }
    // It states nothing.
    void Forget() {
      State(nullptr, 0);
      asked_topics.clear();
    }

    SdkClientKey key() const { return {id, network}; }

    std::string id;
    ClientNetwork network = kNoIpNetwork;
    // What the client states; null if nothing, and never while it has a
    // channel. It is on its way to the registry, or there.
    SdkStatementPtr statement;
    // Of the settings that `statement` is of; 0 if it is of none.
    uint64_t digest = 0;
    // Null while the client is in no group.
    std::shared_ptr<Channel> channel;
    // Calls that register it.
    int registering = 0;
    // Of `principal`: see ClientPrincipal.
    bool is_trial = false;
    // Whether it is in a group and has no stream, as `streamless_` has heard.
    bool is_streamless = false;
    // What the last heartbeat that was applied in full found.
    uint64_t statement_changes = kNotRegistered;
    // Whose it is: of who registered it last.
    std::string principal;
    // 0: none is open, and the client is lost when it is silent.
    StreamNumber stream = 0;
    absl::Time goodbye_until = absl::InfinitePast();
    std::vector<std::string> asked_topics;
    // Valid while `channel` is null: its places in idle_ and in the network's.
    Idle::iterator idle;
    Idle::iterator idle_of_network;
  };

  // Whether the caller may act as the client, as the ClientTable has it.
  static bool MayActAs(const Client& client, const Who& who) {
    return who.principal.is_trial || client.principal.empty() ||
           client.principal == who.principal.name;
  }
  // The client that calls, made if need be. One that is in no group counts as
  // heard, and what is kept of another user's is dropped.
  Client& FindOrMakeLocked(const Who& who) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Client* FindLocked(const SdkClientKey& key) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // The client that calls; null if it is not known, or another user's.
  Client* FindOwnLocked(const Who& who) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void AddIdleLocked(Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveIdleLocked(Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetStreamLocked(StreamNumber stream, absl::Time now, Client& client)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    client.stream = stream;
    NoteStreamlessLocked(now, client);
  }
  // The client's channel or stream has changed.
  void NoteStreamlessLocked(absl::Time now, Client& client)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes the channel away from the client.
  void BecomeIdleLocked(Client& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static SdkStatementPtr InferredOf(const Client& client, const Who& who,
                                    v2::ClientType type,
                                    const std::string& group);
  // A heartbeat. `infer` says what a client states that has sent no settings.
  CallStatus Beat(const Who& who,
                  absl::FunctionRef<SdkStatementPtr(const Client&)> infer)
      ABSL_LOCKS_EXCLUDED(mu_);
  // See rmq::CheckHolder(). Free if there are no rules.
  CallStatus CheckHolder(const Who& who) const ABSL_LOCKS_EXCLUDED(mu_);
  // Registers what the client states, again if that changes meanwhile, so that
  // the registry has what was stated last, whichever call came first.
  enum class Opens { kNo, kYes };
  CallStatus Register(const Who& who, Opens opens) ABSL_LOCKS_EXCLUDED(mu_);
  // The same if `status` is OK, for a call that is counted in `registering`.
  CallStatus RegisterCounted(const Who& who, CallStatus status)
      ABSL_LOCKS_EXCLUDED(mu_);
  // What is registered, under one hold of the lock.
  struct Registration {
    SdkStatementPtr statement;
    uint64_t digest = 0;
    bool has_stream = false;
    // Null: it has to be opened.
    std::shared_ptr<Channel> channel;
  };
  // `*is_over`: the channel has closed meanwhile, and the client, which is
  // still there, needs another one.
  CallStatus RegisterOnce(const Who& who, const Registration& registration,
                          bool* is_over) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives the channel, which is new, to the client, if this has none yet.
  bool TakeChannelLocked(const Who& who, const Registration& registration,
                         const std::shared_ptr<Channel>& channel)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes a channel that is closed from its client.
  void Forget(const Channel& channel) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  const ClientBroker broker_;
  Streamless* const streamless_;

  mutable absl::Mutex mu_;
  StreamNumber last_stream_ ABSL_GUARDED_BY(mu_) = 0;
  // Keys are views of the clients' own.
  absl::flat_hash_map<SdkClientKey, std::unique_ptr<Client>> clients_
      ABSL_GUARDED_BY(mu_);
  Idle idle_ ABSL_GUARDED_BY(mu_);
  // The same by their networks. None is empty.
  absl::flat_hash_map<ClientNetwork, Idle> idle_of_networks_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_CLIENTS_H_
