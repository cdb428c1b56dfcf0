#include "tests/simulation/network/sim_client.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/client_options.h"
#include "client/membership_change.h"
#include "client/session/broker_session.h"
#include "tests/simulation/network/schedule.h"

namespace rmq::network {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

std::string AddressOf(int broker) { return absl::StrCat("broker-", broker); }
int BrokerAt(absl::string_view address) { return address.back() - '0'; }

std::shared_ptr<const v1::HeartbeatRequest> StatementOf(
    const std::string& client_id, uint64_t incarnation, int groups) {
  auto statement = std::make_shared<v1::HeartbeatRequest>();
  statement->set_client_id(client_id);
  statement->set_incarnation(incarnation);
  for (int group = 0; group < kGroups; ++group) {
    if (((groups >> group) & 1) == 0) continue;
    v1::ConsumerData& consumer = *statement->add_consumers();
    consumer.set_group(GroupName(group));
    consumer.set_message_model(group == kBroadcasting
                                   ? v1::MESSAGE_MODEL_BROADCASTING
                                   : v1::MESSAGE_MODEL_CLUSTERING);
    consumer.add_subscriptions()->set_topic("topic");
  }
  return statement;
}

}  // namespace

class SimClient::Stub final : public BrokerStub {
 public:
  Stub(SimClient* client, int broker) : client_(*client), broker_(broker) {}

  std::unique_ptr<BrokerStream> NewStream(
      BrokerStream::Reactor* reactor) override {
    return client_.network_.NewStream(client_.slot_, broker_, client_.process_,
                                      &client_, reactor);
  }
  absl::StatusOr<v1::GetConsumerListByGroupResponse> GetConsumerListByGroup(
      const v1::GetConsumerListByGroupRequest&, absl::Duration) override {
    return absl::UnimplementedError("there are streams only");
  }
  absl::Status CheckClientConfig(const v1::CheckClientConfigRequest&,
                                 absl::Duration) override {
    return absl::UnimplementedError("there are streams only");
  }
  void CancelCalls() override {}

 private:
  SimClient& client_;
  const int broker_;
};

SimClient::SimClient(int slot, std::string client_id, uint64_t incarnation,
                     int groups, Scheduler* scheduler, Network* network,
                     std::vector<SimBroker*> brokers, OnWrong on_wrong)
    : slot_(slot),
      client_id_(std::move(client_id)),
      incarnation_(incarnation),
      groups_(groups),
      network_(*network),
      brokers_(std::move(brokers)),
      on_wrong_(std::move(on_wrong)),
      process_(std::make_shared<Process>(scheduler)) {
  BrokerSession::Options options{ClientOptions()};
  options.wants_members = true;
  BrokerTable::Observer* const observer = this;
  table_ = std::make_unique<BrokerTable>(
      options, process_.get(),
      [this](const std::string& address) {
        return std::make_shared<Stub>(this, BrokerAt(address));
      },
      observer, [this] { return network_.random().Part(); });
  process_->Post([this] {
    std::vector<BrokerEntry> entries;
    for (size_t i = 0; i < brokers_.size(); ++i) {
      entries.push_back({"", 0, AddressOf(static_cast<int>(i))});
    }
    table_->SetStatement(StatementOf(client_id_, incarnation_, groups_));
    table_->SetBrokers(entries);
  });
}

SimClient::~SimClient() { process_->Kill(); }

void SimClient::SetGroups(int groups) {
  if (is_leaving_) return;
  process_->Post([this, groups] {
    groups_ = groups;
    changed_at_ = process_->Now();
    table_->SetStatement(StatementOf(client_id_, incarnation_, groups_));
  });
}

void SimClient::Shutdown() {
  is_leaving_ = true;
  process_->Post([this] { table_->Shutdown(); });
}

BrokerState SimClient::StateAt(int broker) const {
  const auto found = states_.find(broker);
  return found == states_.end() ? BrokerState::kIdle : found->second;
}

bool SimClient::IsKickedForGood(int broker) const {
  const auto found = retry_at_.find(broker);
  return StateAt(broker) == BrokerState::kKicked && found != retry_at_.end() &&
         found->second == absl::InfiniteFuture();
}

const SimClient::Held* SimClient::HeldAt(int broker,
                                         const std::string& group) const {
  const auto found = held_.find({broker, group});
  return found == held_.end() ? nullptr : &found->second;
}

void SimClient::OnConsumerIdsChanged(const BrokerEntry& /*broker*/,
                                     absl::string_view /*group*/) {}

void SimClient::OnMembershipChanged(const BrokerEntry& broker,
                                    absl::string_view group,
                                    const MembershipReport& report,
                                    absl::Time /*settled_at*/) {
  std::vector<std::string> left;
  for (const DepartedMember& member : report.left) {
    left.push_back(member.client_id);
  }
  OnReport(BrokerAt(broker.address), std::string(group), report.epoch,
           {report.members->begin(), report.members->end()}, report.joined,
           left);
}

void SimClient::OnMembershipEnded(const BrokerEntry& broker,
                                  absl::string_view group) {
  held_.erase({BrokerAt(broker.address), std::string(group)});
}

void SimClient::OnHealthChanged(const BrokerHealth& health) {
  retry_at_[BrokerAt(health.broker.address)] = health.retry_at;
  BrokerState& state = states_[BrokerAt(health.broker.address)];
  if (std::exchange(state, health.state) == health.state) return;
  changed_at_ = process_->Now();
}

void SimClient::OnStopped(const absl::Status& /*status*/) {}

void SimClient::OnWrites(int broker, uint64_t incarnation,
                         const v1::ClientFrame& frame) {
  if (!frame.has_acknowledge()) return;
  const v1::Acknowledge& acknowledge = frame.acknowledge();
  if (acknowledge.broker_incarnation() != 0 &&
      acknowledge.broker_incarnation() != incarnation) {
    Wrong(broker, acknowledge.group(),
          "acknowledges to another broker process than the epoch's");
  }
  acknowledged_.push_back(
      {broker, incarnation, acknowledge.group(), acknowledge.epoch()});
  for (const v1::GroupEpoch& more : acknowledge.more()) {
    acknowledged_.push_back({broker, incarnation, more.group(), more.epoch()});
  }
  if (!is_reading_) OnHasRead();
}

void SimClient::OnReads(int broker, uint64_t incarnation) {
  read_from_[broker] = incarnation;
  is_reading_ = true;
}

void SimClient::OnHasRead() {
  is_reading_ = false;
  for (const Acknowledged& one : std::exchange(acknowledged_, {})) {
    CheckAcknowledged(one);
  }
}

void SimClient::OnReport(int broker, const std::string& group, uint64_t epoch,
                         const std::set<std::string>& members,
                         const std::vector<std::string>& joined,
                         const std::vector<std::string>& left) {
  ++reports_;
  const SimBroker& at = *brokers_[broker];
  const uint64_t incarnation = read_from_[broker];
  Held& held = held_[{broker, group}];
  if (held.incarnation == incarnation && epoch < held.epoch) {
    Wrong(broker, group,
          absl::StrCat("is told of epoch ", epoch, " after ", held.epoch));
  }
  std::set<std::string> made = held.ids;
  for (const std::string& id : left) {
    if (made.erase(id) == 0) Wrong(broker, group, id + " left unjoined");
  }
  for (const std::string& id : joined) {
    if (!made.insert(id).second) Wrong(broker, group, id + " joined twice");
  }
  if (made != members) {
    Wrong(broker, group,
          absl::StrCat("is told of members [", absl::StrJoin(members, " "),
                       "], and by joined and left of [",
                       absl::StrJoin(made, " "), "]"));
  }
  held = {incarnation, epoch, members};
  // The broker's process may be gone by now.
  if (!at.is_up() || brokers_[broker]->incarnation() != incarnation) return;
  if (at.is_old()) {
    if (epoch != 0) Wrong(broker, group, "is told of an epoch by nobody");
    if (!at.lists().Had(group, DigestOf(members))) {
      Wrong(broker, group,
            absl::StrCat("is told of [", absl::StrJoin(members, " "),
                         "], which never was the list"));
    }
    return;
  }
  const absl::optional<Digest> list = at.lists().At(group, epoch);
  if (!list.has_value()) {
    Wrong(broker, group,
          absl::StrCat("is told of epoch ", epoch, ", which never was"));
  } else if (*list != DigestOf(members)) {
    Wrong(
        broker, group,
        absl::StrCat("is told of [", absl::StrJoin(members, " "), "] at epoch ",
                     epoch, ", when there were ", list->count, " others"));
  }
}

void SimClient::CheckAcknowledged(const Acknowledged& acknowledged) {
  const auto& [broker, incarnation, group, epoch] = acknowledged;
  const SimBroker& at = *brokers_[broker];
  if (!at.is_up() || brokers_[broker]->incarnation() != incarnation) return;
  if (at.is_old()) Wrong(broker, group, "acknowledges to an old broker");
  const Held* const held = HeldAt(broker, group);
  if (held == nullptr) {
    Wrong(broker, group,
          absl::StrCat("acknowledges epoch ", epoch,
                       ", and the application was told nothing"));
    return;
  }
  const absl::optional<Digest> list = at.lists().At(group, epoch);
  if (!list.has_value()) {
    Wrong(broker, group,
          absl::StrCat("acknowledges epoch ", epoch, ", which never was"));
  } else if (*list != DigestOf(held->ids)) {
    Wrong(broker, group,
          absl::StrCat("acknowledges epoch ", epoch,
                       ", and the application was told of epoch ", held->epoch,
                       ": [", absl::StrJoin(held->ids, " "), "]"));
  }
}

void SimClient::Wrong(int broker, const std::string& group,
                      const std::string& what) {
  on_wrong_(absl::StrCat("slot ", slot_, " (", client_id_, ") at broker ",
                         broker, ", group ", group, ": ", what));
}

}  // namespace rmq::network
