// A small sequential model of RocketMQ's client manager, written from Java's
// source and the recordings; it shares nothing with broker/.
//
// Without switches it is RocketMQ 5.4.0, oddities included. Each switch turns
// one declared difference on. A later release has the switches of SwitchesOf()
// on; with all switches it is this project's broker, as far as today's switches
// describe it.
//
// Frozen: only what a recording of RocketMQ shows may change this model. What
// this broker does beyond Java is stated by tests/model/broker_model.h; a
// further switch is added only for a further difference that recordings play.
//
// Reference: ClientManageProcessor.java, ConsumerManager.java,
// ConsumerGroupInfo.java, ProducerManager.java, ClientHousekeepingService.java.
#ifndef TESTS_CONFORMANCE_JAVA_MODEL_H_
#define TESTS_CONFORMANCE_JAVA_MODEL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/java_switches.h"
#include "tests/conformance/member_statement.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

// Not thread-safe. Time stands still but for `advance`.
class JavaModel {
 public:
  JavaModel(const Config& config, Switches switches);

  // Carries out one operation. Of `operation.expect()` only the code is looked
  // at, and only for SQL92 expressions, whose verdict is not the model's. The
  // result is valid until the next call.
  //
  // In which order several channels leave a group in one scan is this broker's
  // own affair, but what is told of each depends on who is left. So a scan by
  // channels (kOnlySilenceClosesAChannel) follows the events of `leaving`.
  const Outcome& Apply(const Operation& operation,
                       const Outcome& leaving = Outcome());

 private:
  // "ch2" before "ch10".
  struct ByNumber {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };
  using ClientId = std::optional<std::string>;
  using Topics = std::set<std::string>;

  // ClientChannelInfo, but for the channel.
  struct Record {
    ClientId client_id;
    std::string language;
    int32_t version = 0;
    int64_t refreshed_at = 0;
  };
  // A channel in a group.
  struct Member {
    std::shared_ptr<Record> record;
    // Of a producer only whether it is current.
    MemberStatement statement;
  };
  using Members = std::map<std::string, Member, ByNumber>;

  struct Group {
    Members members;
    GroupStatement statement;
  };

  struct Channel {
    bool open = true;
    int64_t heard_at = 0;
    bool is_stand_in = false;
    // Of its first full heartbeat.
    std::optional<std::string> client_id;
    int64_t incarnation = 0;
    uint64_t stream_number = 0;
    // The consumer groups noted on it: "a|b|".
    std::string noted_groups;
    // The latest full heartbeat as a light one is compared with it, and whether
    // all of it is registered.
    std::string statement;
    bool statement_holds = false;
  };

  // Kinds of groups, as events name them.
  static constexpr char kConsumer[] = "consumer";
  static constexpr char kProducer[] = "producer";

  bool On(Switch which) const {
    return switches_.test(static_cast<size_t>(which));
  }

  // --- Operations ---
  void DoHeartbeat(const Operation& operation);
  void DoUnregister(const Operation& operation);
  void CheckClientConfig(const Operation& operation);
  void CloseChannel(const std::string& name);
  void Kick(const std::string& name);
  void Scan(const Outcome& leaving);
  void Tick(const Outcome& leaving);
  void FindConsumerChannel(const Operation& operation);
  void FindProducerChannel(const Operation& operation);
  void QueryTopicConsumeByWho(const std::string& topic);
  void ListConsumers(const std::string& group);
  void Snapshot();

  // --- Heartbeats ---
  void LightHeartbeat(const Heartbeat& body, Channel& channel);
  // False if a newer channel of the same incarnation has been there before.
  // Otherwise adds the older ones, which are to go, to `replaced`.
  bool IsNewestOfItsIncarnation(const std::string& name, const Heartbeat& body,
                                std::vector<std::string>* replaced);
  // Marks the channel's memberships as left out. Returns the consumer groups of
  // those that were not left out before.
  std::vector<std::string> LeaveAllOut(const std::string& channel);
  // Gives all memberships of the channel the language and the version.
  void RestateProgram(const std::string& channel, const Record& program);
  // These return false where Java throws a NullPointerException.
  bool HeartbeatOfConsumer(const Operation& operation, const Consumer& consumer,
                           const std::shared_ptr<Record>& record,
                           const std::vector<std::string>& replaced,
                           bool* is_sub_change);
  bool HeartbeatOfProducer(const Operation& operation, const Producer& producer,
                           const std::shared_ptr<Record>& record);
  // Whether the config lets the group in; sees to its retry topic.
  bool Admit(const Consumer& consumer);
  bool UpdateChannel(const std::string& channel, const Consumer& consumer,
                     const std::shared_ptr<Record>& record, Group& group,
                     bool* is_new);
  void UpdateSubscriptions(const Consumer& consumer, Group& group);
  // Whether a heartbeat that stated the group changed it, so that its members
  // are told.
  bool IsChange(const Group& before, const Group& after, bool is_new,
                bool is_replacement) const;
  void ForgetModesOfTheLeftOut(const std::vector<std::string>& left_out);
  GroupConfig* FindConfig(const std::string& group);

  // --- Removals ---
  // Takes a member out of a consumer group and tells of it. Returns the group
  // as it was before.
  Group RemoveConsumer(const std::string& name, const std::string& channel,
                       ClientId told);
  // The channel's close event.
  void OnClose(const std::string& channel);
  void OnCloseOfConsumer(const std::string& channel, const std::string& group,
                         bool also_broadcasting);
  using CloseFunction = std::function<void(const std::string& channel)>;
  void ScanByGroup();
  // Returns false where Java ends the scan with a NullPointerException.
  bool ScanProducers(const CloseFunction& close);
  void ScanConsumers(const CloseFunction& close);
  void ScanByChannel(const Outcome& leaving);
  void ExpireProducer(const std::string& group, const std::string& channel);
  void ExpireConsumer(const std::string& group, const std::string& channel);
  void CloseByBroker(const std::string& name);
  void RemoveProducer(const std::string& group, const std::string& channel,
                      const ClientId& told);
  void RemoveProducerGroupIfEmpty(const std::string& group);
  void CloseIdleStandIns();

  // --- Events and the like ---
  Event& Tell(const char* kind, const char* type, const std::string& group);
  void TellMember(const char* kind, const char* type, const std::string& group,
                  const std::string& channel, const ClientId& client_id,
                  const Topics& topics);
  // CHANGE, with its pushes.
  void TellChange(const std::string& name, const Group& group);
  void PushTo(const Members& members, const std::string& group);
  void Answer(int code, const std::string& remark = "");
  void Throw(const char* exception);
  static bool IsBroadcasting(const Group& group) {
    return group.statement.modes.IsBroadcasting();
  }
  static Topics TopicsOf(const Group& group);
  static std::set<ClientId> ClientIdsOf(const Group& group);
  // Makes the group's statement that of its members.
  void Recompute(Group& group) const;
  // Whether the message model lets the group's members hear of a change.
  bool MayNotify(const Group& before, const Group& after) const;
  // Whether its config does, when a channel goes without having asked for it.
  bool HonoursNotification(const std::string& name);
  void ClearTopicIndex(const std::string& name, const Group& group);
  bool IsStale(const Record& record, bool is_producer) const;

  const Config config_;
  const Switches switches_;

  int64_t now_ = 0;
  // Everyone counts as heard then.
  int64_t heard_floor_ = 0;
  int64_t last_tick_ = 0;
  // Joinings of producer groups, and the last one of each client id and
  // channel.
  int64_t joined_ = 0;
  std::map<std::pair<std::string, std::string>, int64_t> last_joins_;
  // Full heartbeats that were applied.
  int64_t full_heartbeats_ = 0;
  std::map<std::string, Channel, ByNumber> channels_;
  std::map<std::string, Group> consumers_;
  std::map<std::string, Members> producers_;
  // Client id -> channel (ProducerManager#clientChannelTable).
  std::map<std::string, std::string> producer_lookup_;
  std::map<std::string, std::set<std::string>> topic_index_;
  std::map<std::string, int32_t> fingerprints_;
  std::map<std::string, GroupConfig> configs_;
  std::map<std::string, Topic> topics_;
  // Names of those that were there at the start and are not in snapshots.
  std::set<std::string> built_in_groups_;
  std::set<std::string> initial_topics_;

  // Of the operation at hand.
  Outcome outcome_;
  const char* reason_ = "";  // Of its removals.
  std::set<std::string> changed_groups_;
};

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_JAVA_MODEL_H_
