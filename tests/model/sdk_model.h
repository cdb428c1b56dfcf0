// What the broker knows of the clients of RocketMQ 5's SDKs, over what it knows
// of channels.
#ifndef TESTS_MODEL_SDK_MODEL_H_
#define TESTS_MODEL_SDK_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/client_types.h"
#include "tests/model/broker_model.h"
#include "tests/model/membership.h"

namespace rmq::model {

struct SdkOptions {
  // How long a client may be silent that has no stream.
  Millis lost_expiry = 35'000;
  // How long heartbeats of a client that has said goodbye register nothing.
  Millis goodbye = 30'000;
};

// What a client states: a producer its topics, a consumer its group.
struct SdkStated {
  bool has_groups() const { return !topics.empty() || !group.empty(); }

  std::set<std::string> topics;
  std::string group;
  ConsumeType consume_type = ConsumeType::kConsumePassively;
  Subscriptions subscriptions;
};

enum class SdkAnswer {
  kOk,
  kNothingKnown,  // The client has to send its settings.
  kForbidden,     // An operator has taken the client out.
  kPassedOver,    // The policy does not let it into a group.
};

// A client is its id and its network, and has one channel at most, which lives
// by heartbeats. Those with one id at several networks have nothing to do with
// each other. The clients share the registry with all others. Time is that of
// the registry. Nobody has a name here.
class SdkModel {
 public:
  // Borrows the registry.
  SdkModel(const SdkOptions& options, BrokerModel* broker)
      : options_(options), broker_(*broker) {}

  // Who calls.
  struct Caller {
    std::string id;
    int network = 0;
  };

  // The client opens a stream: `stream` rises with each one. The newest counts.
  void OpenStream(const Caller& caller, int stream, Millis now);
  // Only the end of the newest makes the client one that has no stream.
  void CloseStream(const Caller& caller, int stream, Millis now);

  // Settings. `text` stands for their bytes: the same ones again are the same
  // statement, whatever the versions in `stated`.
  SdkAnswer State(const Caller& caller, const SdkStated& stated,
                  const std::string& text, Millis now);
  // A heartbeat. A consumer's names its group. Of who has sent no settings, the
  // topics count that it has asked routes of.
  SdkAnswer Heartbeat(const Caller& caller, bool is_producer,
                      ConsumeType consume_type, const std::string& group,
                      Millis now);
  void Terminate(const Caller& caller, Millis now);
  // The client asks for the route of a topic.
  void NoteTopic(const Caller& caller, const std::string& topic);

  // Of these clients that are known, those that have a channel.
  size_t members() const;
  size_t clients() const { return clients_.size(); }

 private:
  struct Client {
    // What it states. Nothing unless there are groups, or settings.
    SdkStated stated;
    // Of the settings that `stated` is of; empty: it is of none.
    std::string text;
    // Of the newest stream; 0: there is none.
    int stream = 0;
    // -1: none.
    int channel = -1;
    Millis goodbye_until = 0;
    std::set<std::string> asked_topics;
  };

  bool IsMember(const Client& client) const {
    return client.channel >= 0 && broker_.channels()[client.channel].open;
  }
  // Made if need be.
  Client& Of(const Caller& caller) {
    return clients_[{caller.id, caller.network}];
  }
  // Registers what the client states.
  SdkAnswer Register(const std::string& id, Client& client, Millis now);

  const SdkOptions options_;
  BrokerModel& broker_;
  std::map<std::pair<std::string, int>, Client> clients_;
};

}  // namespace rmq::model

#endif  // TESTS_MODEL_SDK_MODEL_H_
