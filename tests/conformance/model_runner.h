// Drives tests/model through the operations of a trace, as product.h drives the
// broker's core.
#ifndef TESTS_CONFORMANCE_MODEL_RUNNER_H_
#define TESTS_CONFORMANCE_MODEL_RUNNER_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/conformance/trace.pb.h"
#include "tests/model/broker_model.h"
#include "tests/model/epoch_model.h"

namespace rmq::conformance {

// Not thread-safe. Time stands still but for `advance`.
class ModelRunner {
 public:
  explicit ModelRunner(const Config& config);

  // Carries out one operation. A channel's name must have been opened before it
  // is used. Of `operation.expect()` only the code is looked at, and only for
  // SQL92 expressions, whose verdict is not the model's. A scan follows the
  // events of `leaving` in the order in which channels leave a group. The
  // result is valid until the next call.
  const Outcome& Apply(const Operation& operation,
                       const Outcome& leaving = Outcome());

 private:
  // -1 if it is a stand-in that is not there.
  int ChannelOf(const Operation& operation);
  void OnChannel(const Operation& operation);
  void LightHeartbeat(const Operation& operation, int channel);
  void FullHeartbeat(const Operation& operation, int channel);
  void CheckClientConfig(const Operation& operation);
  std::vector<model::BrokerModel::Departure> OrderOf(
      const Outcome& leaving) const;

  void FindConsumerChannel(const Operation& operation);
  void ListConsumers(const std::string& group);
  void Snapshot();
  template <typename Connections>
  void ShowMembers(GroupKind kind, const std::string& group,
                   const model::BrokerModel::Group& shown,
                   Connections* connections) const;

  // What the client ids were `back` epochs ago.
  void ListAt(const std::string& group, size_t back);
  // A list that was forgotten is no list: how much a broker remembers is not
  // the model's business.
  void Follow(const Outcome& leaving);
  void Acknowledge(const Operation& operation, int channel);

  // Moves the model's effects into the outcome.
  void NoteEffects();
  void Answer(int code, const std::string& remark = "");

  const Config config_;
  model::BrokerModel model_;
  model::EpochModel epochs_;
  std::map<std::string, model::EpochModel::ClientIds> begun_lists_;
  model::Millis now_ = 0;
  model::Millis last_tick_ = 0;
  Outcome outcome_;  // Of the operation at hand.
  std::set<std::string> initial_topics_;
  std::map<std::string, int> channels_;  // Streams, by name.
  std::vector<std::string> names_;       // By the model's number.
  // By the channel's name: what a client remembers of its last full heartbeat.
  std::map<std::string, std::string> statements_;
};

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_MODEL_RUNNER_H_
