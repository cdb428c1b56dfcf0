#include "client/session/broker_table.h"

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "client/session/peer_broker.h"
#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

// Null: none.
absl::flat_hash_set<std::string> ConsumerGroups(
    const v1::HeartbeatRequest* statement) {
  absl::flat_hash_set<std::string> groups;
  if (statement == nullptr) return groups;
  for (const v1::ConsumerData& consumer : statement->consumers()) {
    groups.insert(consumer.group());
  }
  return groups;
}

// Whether two streams are known to lead to two broker processes, or to one.
bool AreKnownToDiffer(const absl::optional<PeerBroker>& a,
                      const absl::optional<PeerBroker>& b) {
  return a.has_value() && b.has_value() && *a != *b;
}

bool AreKnownToBeSame(const absl::optional<PeerBroker>& a,
                      const absl::optional<PeerBroker>& b) {
  return a.has_value() && b.has_value() && *a == *b;
}

// Whether the session has the stream that its latest full heartbeat was written
// to.
bool HasStatingStream(const BrokerSession& session) {
  const BrokerState state = session.health().state;
  return state == BrokerState::kStating || IsOnline(state);
}

}  // namespace

BrokerTable::BrokerTable(BrokerSession::Options options, EventLoop* loop,
                         StubFactory new_stub, Observer* observer,
                         std::function<double()> random)
    : options_(std::move(options)),
      loop_(*loop),
      new_stub_(std::move(new_stub)),
      observer_(*observer),
      random_(std::move(random)),
      self_(std::make_shared<BrokerTable*>(this)) {}

BrokerTable::~BrokerTable() {
  for (const Link& link : links_) link.stub->CancelCalls();
}

void BrokerTable::SetBrokers(const std::vector<BrokerEntry>& brokers,
                             absl::Duration stay) {
  if (shutting_down_) return;
  absl::flat_hash_map<std::string, Link> before;
  std::vector<std::string> order;
  for (Link& link : links_) {
    order.push_back(link.broker.address);
    before.emplace(link.broker.address, std::move(link));
  }
  links_.clear();
  for (const BrokerEntry& broker : brokers) {
    const auto known = before.find(broker.address);
    if (known == before.end()) {
      Link link;
      link.broker = broker;
      link.stub = new_stub_(broker.address);
      link.session = NewSession(broker, link.stub.get());
      links_.push_back(std::move(link));
      continue;
    }
    Link& link = links_.emplace_back(std::move(known->second));
    before.erase(known);
    link.listed = true;
    link.stay.reset();
    if (link.broker == broker) continue;
    link.broker = broker;
    link.session->Rename(broker);
  }
  for (const std::string& address : order) {
    const auto left = before.find(address);
    if (left == before.end()) continue;
    Link& link = links_.emplace_back(std::move(left->second));
    const bool is_one_too_many = links_.size() - brokers.size() > kMaxBrokers;
    if (stay > absl::ZeroDuration() && !is_one_too_many &&
        MayStay(link, brokers)) {
      if (!link.stay.has_value()) BeginStay(&link, stay);
      continue;
    }
    Leave(&link);
    if (is_one_too_many) link.session->Abandon();
  }
  for (Link& link : links_) GiveStatement(&link);
  RearmStays();
  ReviewReservesSoon();
}

void BrokerTable::SetStatement(std::shared_ptr<const Statement> statement) {
  statement_ = std::move(statement);
  had_statement_ = true;
  left_brokers_.KeepWanted(ConsumerGroups(statement_.get()));
  for (Link& link : links_) GiveStatement(&link);
}

void BrokerTable::NoteSettling(absl::string_view address,
                               absl::Time settled_at) {
  for (Link& link : links_) {
    if (link.listed && link.broker.address == address) {
      link.session->NoteSettling(settled_at);
    }
  }
}

void BrokerTable::WantMembers(absl::string_view address,
                              absl::string_view group) {
  // The client may have left the group meanwhile.
  if (had_statement_ && !ConsumerGroups(statement_.get()).contains(group)) {
    return;
  }
  for (Link& link : links_) {
    if (!link.listed || link.broker.address != address) continue;
    link.wanted_members.emplace(group);
    link.session->WantMembers(group);
  }
}

bool BrokerTable::Reconnect(absl::string_view address) {
  bool found = false;
  for (Link& link : links_) {
    if (!link.listed) continue;
    if (!address.empty() && link.broker.address != address) continue;
    link.session->Reconnect();
    found = true;
  }
  return found;
}

void BrokerTable::Shutdown() {
  if (std::exchange(shutting_down_, true)) return;
  for (Link& link : links_) {
    link.stub->CancelCalls();
    link.session->Shutdown();
  }
  StopIfAllStopped();
}

void BrokerTable::Abandon() {
  Shutdown();
  for (Link& link : links_) link.session->Abandon();
}

std::vector<BrokerHealth> BrokerTable::Health() const {
  std::vector<BrokerHealth> health;
  health.reserve(links_.size());
  for (const Link& link : links_) {
    health.push_back(link.session->WholeHealth());
  }
  return health;
}

std::shared_ptr<BrokerStub> BrokerTable::FindStub(
    absl::string_view address) const {
  for (const Link& link : links_) {
    if (link.listed && link.broker.address == address) return link.stub;
  }
  return nullptr;
}

std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>>
BrokerTable::Stubs() const {
  std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>> stubs;
  for (const Link& link : links_) {
    if (link.listed) stubs.emplace_back(link.broker, link.stub);
  }
  return stubs;
}

void BrokerTable::OnConsumerIdsChanged(const BrokerEntry& broker,
                                       absl::string_view group) {
  observer_.OnConsumerIdsChanged(broker, group);
}

void BrokerTable::OnMembershipChanged(const BrokerEntry& broker,
                                      absl::string_view group,
                                      const MembershipReport& report,
                                      absl::Time settled_at) {
  observer_.OnMembershipChanged(broker, group, report, settled_at);
}

void BrokerTable::OnMembershipEnded(const BrokerEntry& broker,
                                    absl::string_view group) {
  observer_.OnMembershipEnded(broker, group);
}

void BrokerTable::OnWarning(const BrokerWarning& warning) {
  observer_.OnWarning(warning);
}

void BrokerTable::OnHealthChanged(const BrokerHealth& health) {
  observer_.OnHealthChanged(health);
  ReviewReservesSoon();
  if (has_stays_) Post(&BrokerTable::ReviewStays);
}

bool BrokerTable::KeepsInReserve(const BrokerSession& session) {
  absl::flat_hash_set<uint64_t> successors;
  Link* reserve = nullptr;
  for (Link& link : links_) {
    const BrokerSession& other = *link.session;
    if (&other == &session) {
      reserve = &link;
      continue;
    }
    if (other.stream_number() == 0 ||
        AreKnownToDiffer(other.accepted_by(), session.accepted_by())) {
      continue;
    }
    if (HasStatingStream(other)) {
      successors.insert(other.stream_number());
    } else if (other.stream_number() > session.stream_number()) {
      // It may have replaced the session's stream, and have ended since.
      if (IsReserve(link)) {
        successors.insert(link.successors.begin(), link.successors.end());
      } else {
        successors.insert(other.stream_number());
      }
    }
  }
  successors.erase(session.stream_number());
  CHECK(reserve != nullptr);
  reserve->successors = std::move(successors);
  has_reserve_ |= !reserve->successors.empty();
  return !reserve->successors.empty();
}

void BrokerTable::OnStopped(const BrokerEntry& broker,
                            const absl::Status& status) {
  if (!shutting_down_) {
    if (!status.ok()) {
      LOG(WARNING) << "left a broker without its word"
                   << Kv("broker", broker.address)
                   << Kv("error", status.ToString());
    }
    Post(&BrokerTable::RemoveStopped);
    return;
  }
  if (!status.ok()) {
    stop_status_.Update(absl::Status(
        status.code(), absl::StrCat("unregistering at ", broker.address, ": ",
                                    status.message())));
  }
  StopIfAllStopped();
}

std::unique_ptr<BrokerSession> BrokerTable::NewSession(
    const BrokerEntry& broker, BrokerStub* stub) {
  BrokerSession::Observer* const observer = this;
  return std::make_unique<BrokerSession>(
      broker, options_, &loop_, stub, observer, random_,
      [this] { return ++last_stream_number_; });
}

void BrokerTable::GiveStatement(Link* link) {
  const bool has_consumers =
      statement_ != nullptr && statement_->consumers_size() > 0;
  const std::shared_ptr<const Statement> statement =
      has_consumers || link->broker.id == 0 ? statement_ : nullptr;
  if (link->statement == statement) return;
  link->statement = statement;
  TakeLeft(link);
  link->session->SetStatement(statement);
  // A group that the client leaves is not wanted any more.
  const absl::flat_hash_set<std::string> groups =
      ConsumerGroups(statement.get());
  absl::erase_if(link->wanted_members, [&groups](const std::string& group) {
    return !groups.contains(group);
  });
  for (const std::string& group : link->wanted_members) {
    link->session->WantMembers(group);
  }
}

void BrokerTable::RemoveStopped() {
  if (shutting_down_) return;
  for (Link& link : links_) {
    if (!link.session->stopped()) continue;
    if (link.listed) {
      link.session = NewSession(link.broker, link.stub.get());
      link.statement = nullptr;
      GiveStatement(&link);
    } else {
      link.stub->CancelCalls();
    }
  }
  links_.erase(std::remove_if(links_.begin(), links_.end(),
                              [](const Link& link) {
                                return !link.listed && link.session->stopped();
                              }),
               links_.end());
}

void BrokerTable::StopIfAllStopped() {
  if (!std::all_of(links_.begin(), links_.end(),
                   [](const Link& link) { return link.session->stopped(); })) {
    return;
  }
  if (std::exchange(stopped_, true)) return;
  observer_.OnStopped(stop_status_);
}

void BrokerTable::Post(void (BrokerTable::*method)()) {
  loop_.Post([weak = std::weak_ptr<BrokerTable*>(self_), method] {
    if (const auto self = weak.lock(); self != nullptr) ((*self)->*method)();
  });
}

void BrokerTable::ReviewReservesSoon() {
  if (!has_reserve_ || std::exchange(review_posted_, true)) return;
  Post(&BrokerTable::ReviewReserves);
}

void BrokerTable::ReviewReserves() {
  review_posted_ = false;
  LinksByStream links;
  for (const Link& link : links_) {
    links.emplace(link.session->stream_number(), &link);
  }
  has_reserve_ = false;
  for (Link& link : links_) {
    if (!IsReserve(link)) continue;
    ReviewReserve(links, &link);
    has_reserve_ |= IsReserve(link);
  }
}

bool BrokerTable::IsReserve(const Link& link) {
  return link.session->health().state == BrokerState::kReserve;
}

void BrokerTable::ReviewReserve(const LinksByStream& links, Link* reserve) {
  BrokerSession& session = *reserve->session;
  absl::flat_hash_set<uint64_t> successors;
  bool lost = false;
  bool kicked = false;
  absl::Time retry_at = absl::InfiniteFuture();
  for (const uint64_t number : reserve->successors) {
    const auto found = links.find(number);
    if (found == links.end()) {  // The stream has ended.
      lost = true;
      continue;
    }
    const Link& other = *found->second;
    if (AreKnownToDiffer(other.session->accepted_by(), session.accepted_by()))
      continue;
    if (HasStatingStream(*other.session)) {
      if (AreKnownToBeSame(other.session->accepted_by(),
                           session.accepted_by())) {
        reserve->successors = {number};
        return;
      }
      successors.insert(number);
      continue;
    }
    switch (other.session->health().state) {
      case BrokerState::kReserve:
        successors.insert(other.successors.begin(), other.successors.end());
        break;
      case BrokerState::kReplaced: break;  // By another process.
      case BrokerState::kKicked:
        kicked = true;
        retry_at = std::min(retry_at, other.session->retry_at());
        break;
      default: lost = true;
    }
  }
  successors.erase(session.stream_number());
  reserve->successors = std::move(successors);
  if (lost) {
    session.TakeOver();
  } else if (kicked) {
    session.EndReserve(BrokerState::kKicked, retry_at);
  } else if (reserve->successors.empty()) {
    session.EndReserve(BrokerState::kReplaced);
  }
}

}  // namespace rmq
