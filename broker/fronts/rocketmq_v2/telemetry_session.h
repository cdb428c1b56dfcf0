// One Telemetry call: a client's settings, answered.
// Reference: ClientActivity.java of the proxy.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_TELEMETRY_SESSION_H_
#define BROKER_FRONTS_ROCKETMQ_V2_TELEMETRY_SESSION_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/client_threads.h"
#include "broker/fronts/duplicate_streams.h"
#include "broker/fronts/identified_streams.h"
#include "broker/fronts/rocketmq_v2/due_calls.h"
#include "broker/fronts/rocketmq_v2/sdk_broker.h"
#include "broker/fronts/rocketmq_v2/sdk_client_key.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/stack_requests.h"
#include "common/client_network.h"
#include "common/payer.h"
#include "common/rate_limit.h"
#include "common/response_code.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/server_stream.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// Clients leave the stream open, and open another one after minutes or never
// when it breaks, so that the broker ends it only if it must: for settings that
// cannot be taken, and when it goes down. A stream needs no first message.
//
// Threads: messages are handled on the stream's loop. Ownership: the stream, a
// member, holds the session until its last event.
class TelemetrySession final : public IdentifiedStreams::Stream,
                               private ServerStream::Reactor {
 public:
  // What all sessions share; borrowed.
  struct Environment {
    ServerStream::Environment stream;  // Its `accept_next` calls Accept().
    const SdkBroker* broker = nullptr;
    DueCalls* due_calls = nullptr;
    class OpenSessions* open = nullptr;
    StackRequests* stacks = nullptr;
    IdentifiedStreams* identified = nullptr;
  };

  // Between the last write and an end: SDKs lose a message that the end
  // overtakes.
  static constexpr absl::Duration kEndDelay = absl::Milliseconds(150);

  // The reference that the stream holds; null once it is gone.
  std::shared_ptr<TelemetrySession> reference() {
    return {stream_.reactor(), this};
  }

  // Makes a session that waits for a client on `loop`.
  static void Accept(const Environment* environment, ServerLoop* loop);

  // Has the client print the stacks of its threads: see ClientThreads.
  CallStatus PrintStackTrace(absl::Time now, ClientThreads::OnAnswer on_answer);

  // Constant once the session is among those of its client.
  SdkClientKey key() const { return {client_id_, network_}; }
  SdkClients::StreamNumber number() const { return number_; }

  // Constant once the session is added.
  const Payer& payer() const { return payer_; }

  // "host:port" of the client.
  absl::string_view address() const { return stream_.peer(); }

  // IdentifiedStreams::Stream.
  void IdentifyAnew(CallerIdentity opened) override;

  // Ends the stream with OK: the server goes down.
  void EndForStop() { stream_.EndWith(CallStatus()); }

 private:
  TelemetrySession(const Environment* environment, ServerLoop* loop);

  // ServerStream::Reactor.
  void OnOpened() override;
  bool OnMessage(grpc::ByteBuffer* message, grpc::ByteBuffer* reply) override;
  void OnReadsDone() override { Leave(); }
  void OnGone() override;

  // Takes settings, given as they came too, and completes them. Returns why
  // they cannot be taken.
  CallStatus TakeSettings(absl::string_view bytes, v2::Settings* settings);
  CallStatus ReadMessage(grpc::ByteBuffer* message, std::string* bytes);
  // Tells the client, and ends the stream.
  void Refuse(const CallStatus& status);
  // The same, by any thread; messages that come meanwhile are handled.
  void EndFor(const CallStatus& status);
  // The client has gone, or has no stream any more.
  void Leave();

  ServerCalls& calls() const { return *environment_.stream.calls; }
  const ClientBroker& parts() const { return environment_.broker->broker; }

  const Environment& environment_;
  // See key(); before, used by the loop's thread only. Empty, and none: the
  // client is not known.
  std::string client_id_;
  ClientNetwork network_ = kNoIpNetwork;
  // Any thread reads it.
  std::atomic<SdkClients::StreamNumber> number_{0};
  Payer payer_;
  // Used by the loop's thread only.
  RateLimit rate_;
  bool is_refused_ = false;
  IdentifiedStreams::Ticket identified_ = 0;

  ServerStream stream_;
};

// The sessions that are open, and which client ids several processes use, as
// far as it shows. Thread-safe.
class OpenSessions final : public SdkClients::Streamless {
 public:
  // So many may be open, and of one payer; 0: as many as in all.
  OpenSessions(size_t most, size_t most_of_payer)
      : most_(most),
        most_of_payer_(most_of_payer == 0 ? most : most_of_payer) {}

  // Returns false if the server goes down: the session has to end.
  // `*status`, if it is OK, becomes TOO_MANY_REQUESTS if the session is one too
  // many: it has to be refused.
  bool Add(TelemetrySession* session, CallStatus* status)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(TelemetrySession* session) ABSL_LOCKS_EXCLUDED(mu_);
  // The session, which is open, has the key of a client from `now` on.
  void AddToClient(TelemetrySession* session, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Those of the clients with this id, the latest first.
  std::vector<std::shared_ptr<TelemetrySession>> SessionsOf(
      absl::string_view client_id) const ABSL_LOCKS_EXCLUDED(mu_);
  // SdkClients::Streamless.
  void AddStreamless(const SdkClientKey& key, absl::string_view address,
                     absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);
  void RemoveStreamless(const SdkClientKey& key) override
      ABSL_LOCKS_EXCLUDED(mu_);
  // The client ids that have several sessions, or clients at several networks
  // with or without a session: see DuplicateStreams.
  std::vector<DuplicateStreams::Duplicate> ListDuplicates(
      absl::string_view after, size_t max) const ABSL_LOCKS_EXCLUDED(mu_);
  // Ends them all, and has each end that still comes.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Of clients that are in a group and have no stream: an address for each
  // network.
  using Addresses = absl::btree_map<ClientNetwork, std::string>;

  // Whether several processes use a client id.
  bool IsDuplicateLocked(absl::string_view client_id) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  DuplicateStreams::Duplicate DuplicateOfLocked(const std::string& client_id,
                                                absl::Time since) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const size_t most_;
  const size_t most_of_payer_;
  mutable absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<TelemetrySession*> sessions_ ABSL_GUARDED_BY(mu_);
  // How many of them each payer has. None is 0.
  absl::flat_hash_map<Payer, size_t> payers_ ABSL_GUARDED_BY(mu_);
  // By client id, in the order of their opening. None is empty.
  absl::flat_hash_map<std::string, std::vector<TelemetrySession*>> of_clients_
      ABSL_GUARDED_BY(mu_);
  // By client id. None is empty.
  absl::flat_hash_map<std::string, Addresses> streamless_ ABSL_GUARDED_BY(mu_);
  // The ids that several processes use, and since when.
  absl::btree_map<std::string, absl::Time> duplicates_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_TELEMETRY_SESSION_H_
