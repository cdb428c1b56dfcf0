// This broker's core with the clients of both fronts, beside the model of both.
#ifndef TESTS_FRONTS_BOTH_SIDES_H_
#define TESTS_FRONTS_BOTH_SIDES_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/edge_counters.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "tests/fronts/operations.h"
#include "tests/model/broker_model.h"
#include "tests/model/sdk_model.h"

namespace rmq::fronts {

// What has happened in plays: so that a test knows that it compares something.
struct Happened {
  int64_t operations = 0;
  int64_t events = 0;
  // Native members that were pushed by what an SDK client did.
  int64_t pushes_by_sdks = 0;
  int64_t sdk_members_expired = 0;
  // Of kicked clients.
  int64_t forbidden_answers = 0;
};

// Not thread-safe.
class BothSides {
 public:
  // `options` are the model's.
  BothSides(const World& world, const model::SdkOptions& options,
            Happened* happened);
  BothSides(const BothSides&) = delete;
  BothSides& operator=(const BothSides&) = delete;

  // Plays the operation on both sides. Returns what differs in its outcome, in
  // its events and pushes, or in anything that can be asked; empty if nothing.
  std::string Play(const Operation& operation);
  // Everybody falls silent. The same, and what is left.
  std::string PlayTheEnd();

  // What the operation that was played last stated, in words.
  const std::string& words() const { return words_; }

 private:
  using Millis = model::Millis;

  struct Stream {
    FakeClientChannelPtr channel;
    int number = -1;
    absl::optional<TestStatement> last;
    uint64_t token = 0;
  };
  struct SdkStream {
    int network;
    SdkClients::StreamNumber number;
    int model_number;
  };
  // All with one id.
  struct SdkClient {
    // The latest, from whichever network.
    v2::Settings settings;
    std::vector<SdkStream> streams;
  };
  // By kind and group, in order.
  using Events =
      std::map<std::pair<GroupKind, std::string>, std::vector<std::string>>;

  absl::Time Now() const { return absl::FromUnixMillis(now_); }
  SdkClients::Who Who(const model::SdkModel::Caller& caller);

  // Each returns what differs in the outcome.
  std::string PlayNative(const Operation& operation);
  std::string PlayUnary(const Operation& operation);
  std::string PlaySdk(const Operation& operation);
  std::string PlayOthers(const Operation& operation);

  std::string StateNative(FakeClientChannel& channel, int number,
                          const TestStatement& stated, uint64_t* token);
  using Caller = model::SdkModel::Caller;
  std::string StateSdk(const Caller& caller, const v2::Settings& settings);
  std::string HeartbeatSdk(const Caller& caller, uint32_t bits);
  void Open(Stream* stream);
  void PassTime(Millis duration);

  // Moves the product's events into `events_`, and into `departures_`.
  void TakeEvents();
  std::string CompareEffects(bool is_by_sdk);
  std::string CompareLookUps() const;
  std::vector<std::string> AskProduct() const;
  std::vector<std::string> AskModel() const;

  Happened& happened_;
  Millis now_ = 1'000'000'000;
  std::string words_;

  RecordingListener listener_;
  EdgeCounters counters_;
  BrokerCore core_;
  SdkHeaders headers_;
  SdkClients clients_;

  model::BrokerModel model_;
  model::SdkModel sdk_model_;

  std::array<Stream, kStreams> streams_;
  std::map<std::string, SdkClient> sdks_;
  int last_sdk_stream_ = 0;
  Events events_;
  std::vector<model::BrokerModel::Departure> departures_;
};

}  // namespace rmq::fronts

#endif  // TESTS_FRONTS_BOTH_SIDES_H_
