#include "tests/fronts/both_sides.h"

#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/table_queries.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "common/validation.h"
#include "tests/fronts/drawn_statements.h"

namespace rmq::fronts {
namespace {

constexpr absl::string_view kSdkVersion = "5.2.0";
constexpr model::Millis kHold = 60'000;

BrokerCore::Options CoreOptions(const World& world) {
  BrokerCore::Options options;
  options.policy.reject_pull_consumer_enable = world.reject_pull_consumers;
  options.policy.enable_register_producer = world.register_producers;
  return options;
}

model::BrokerOptions ModelOptions(const World& world) {
  model::BrokerOptions options;
  options.policy.reject_pull_consumers = world.reject_pull_consumers;
  options.policy.register_producers = world.register_producers;
  return options;
}

model::SdkAnswer AnswerOf(const CallStatus& status) {
  if (status.ok()) return model::SdkAnswer::kOk;
  switch (CodeOf(status)) {
    case v2::UNRECOGNIZED_CLIENT_TYPE: return model::SdkAnswer::kNothingKnown;
    case v2::FORBIDDEN: return model::SdkAnswer::kForbidden;
    default: return model::SdkAnswer::kPassedOver;
  }
}

std::string CompareAnswers(const CallStatus& got, model::SdkAnswer expected) {
  if (AnswerOf(got) == expected) return "";
  return absl::StrCat("answer: expected ", static_cast<int>(expected), ", got ",
                      static_cast<int>(AnswerOf(got)), " ", got.message);
}

}  // namespace

BothSides::BothSides(const World& world, const model::SdkOptions& options,
                     Happened* happened)
    : happened_(*happened),
      core_(CoreOptions(world), {&listener_}, Now()),
      clients_(SdkClients::Options(), {{"TestCluster", "broker-x", 3, 1},
                                       Limits(),
                                       Now(),
                                       core_.table(),
                                       core_.processor(),
                                       counters_}),
      model_(ModelOptions(world)),
      sdk_model_(options, &model_) {
  headers_.language = LanguageCode::kJava;
  headers_.version = kSdkVersion;
}

SdkClients::Who BothSides::Who(const Caller& caller) {
  headers_.client_id = caller.id;
  return {headers_,
          caller.network == 0 ? "10.0.0.1:1000" : "10.9.9.9:1000",
          {},
          Now()};
}

std::string BothSides::Play(const Operation& operation) {
  ++happened_.operations;
  words_.clear();
  // Answers first: they say most.
  std::string difference;
  if (operation.act <= Act::kUnregister) {
    difference = PlayNative(operation);
  } else if (operation.act <= Act::kUnaryUnregister) {
    difference = PlayUnary(operation);
  } else if (operation.act <= Act::kSdkRoute) {
    difference = PlaySdk(operation);
  } else {
    difference = PlayOthers(operation);
  }
  const bool is_by_sdk =
      operation.act >= Act::kSdkOpenStream && operation.act <= Act::kSdkRoute;
  if (difference.empty()) difference = CompareEffects(is_by_sdk);
  if (difference.empty()) difference = CompareLookUps();
  return difference;
}

std::string BothSides::PlayTheEnd() {
  words_ = "everybody falls silent";
  PassTime(31 * 60'000);
  std::string difference = CompareEffects(/*is_by_sdk=*/false);
  if (difference.empty()) difference = CompareLookUps();
  if (!difference.empty()) return difference;
  const TableQueries::Counts left = core_.table().counts();
  if (left.channels + left.consumer_groups + left.producer_groups +
          clients_.members() ==
      0) {
    return "";
  }
  return absl::StrCat("left: ", left.channels, " channels, ",
                      left.consumer_groups, " consumer groups, ",
                      left.producer_groups, " producer groups, ",
                      clients_.members(), " SDK clients");
}

// --- Native clients ---

std::string BothSides::StateNative(FakeClientChannel& channel, int number,
                                   const TestStatement& stated,
                                   uint64_t* token) {
  const BuiltStatement built(stated);
  const HeartbeatResult got =
      core_.processor().Heartbeat(channel, *built, Now());
  const model::HeartbeatAnswer expected =
      model_.Heartbeat(number, ModelOf(stated), now_);
  *token = got.statement_token;
  words_ = absl::StrCat("#", number, " ", InWords(stated));
  const auto show = [](bool accepted, bool held, bool has_token,
                       size_t skipped) {
    return absl::StrCat(accepted, held, has_token, skipped);
  };
  const std::string wanted = show(expected.accepted, expected.held,
                                  expected.token, expected.skipped.size());
  const bool is_ok = got.status.ok();
  const std::string found =
      show(is_ok, got.end.has_value(), got.statement_token != 0,
           is_ok ? got.skipped.size() : 0);
  return wanted == found ? ""
                         : absl::StrCat("answer: expected ", wanted, ", got ",
                                        found, " ", got.status.message);
}

void BothSides::Open(Stream* stream) {
  *stream = Stream();
  stream->channel = std::make_shared<FakeClientChannel>();
  (void)core_.table().Open(stream->channel, Now());
  stream->number = model_.OpenStream(now_);
}

std::string BothSides::PlayNative(const Operation& operation) {
  Stream& stream = streams_[operation.who];
  const std::string id = ClientId(operation.who);
  const bool is_open = stream.channel != nullptr && !stream.channel->closed();
  if (operation.act == Act::kOpen || operation.act == Act::kState) {
    if (!is_open) Open(&stream);
    if (operation.act == Act::kOpen) return "";
    stream.last = DrawStatement(id, operation.bits, now_);
    return StateNative(*stream.channel, stream.number, *stream.last,
                       &stream.token);
  }
  if (!is_open) return "";
  Bits bits(operation.bits);
  switch (operation.act) {
    case Act::kClose:
      core_.housekeeping().OnChannelClose(*stream.channel,
                                          RemovalReason::kDisconnected, Now());
      model_.Close(stream.number, RemovalReason::kDisconnected);
      return "";
    case Act::kRepeat:
      if (!stream.last.has_value()) return "";
      return StateNative(*stream.channel, stream.number, *stream.last,
                         &stream.token);
    case Act::kRenew: {
      const Renewal got = stream.channel->RenewLight(stream.token, Now());
      const model::LightAnswer expected =
          model_.RenewLight(stream.number, stream.token != 0, now_);
      return (got == Renewal::kRenewed) ==
                     (expected == model::LightAnswer::kRenewed)
                 ? ""
                 : "the answer to a light heartbeat differs";
    }
    default: break;
  }
  const std::string group = Group(bits.Take(2));
  const std::string topic = Topic(bits.Take(1));
  core_.processor().UnregisterClient(*stream.channel, id, {topic}, {group},
                                     Now());
  model_.Unregister(stream.number, id, topic, group);
  return "";
}

std::string BothSides::PlayUnary(const Operation& operation) {
  const std::string id = ClientId(operation.who);
  if (operation.act == Act::kUnaryState) {
    const absl::StatusOr<ClientChannelPtr> channel =
        core_.table().FindOrOpenStandIn(
            id,
            std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStandIn),
            Now());
    int number = model_.FindStandIn(id);
    if (number < 0) number = model_.OpenStandIn(id, now_);
    uint64_t token;
    return StateNative(static_cast<FakeClientChannel&>(**channel), number,
                       DrawStatement(id, operation.bits, now_), &token);
  }
  const ClientChannelPtr channel = core_.table().FindStandIn(id);
  if (channel == nullptr) return "";
  Bits bits(operation.bits);
  const std::string group = Group(bits.Take(2));
  const std::string topic = Topic(bits.Take(1));
  core_.processor().UnregisterClient(*channel, id, {topic}, {group}, Now());
  model_.Unregister(model_.FindStandIn(id), id, topic, group);
  return "";
}

// --- SDK clients ---

std::string BothSides::StateSdk(const Caller& caller,
                                const v2::Settings& settings) {
  absl::StrAppend(&words_, settings.ShortDebugString());
  const std::string text = settings.SerializeAsString();
  const uint64_t digest = std::hash<std::string>()(text) | 1;
  const SdkClients::Who who = Who(caller);
  SdkStatementPtr statement = clients_.StatementOf(who, digest);
  CallStatus got;
  if (statement == nullptr) {
    got = SdkStatement::Parse(settings, headers_, Limits(), Now(), &statement);
  }
  if (got.ok()) got = clients_.State(who, std::move(statement), digest);
  const model::SdkAnswer expected =
      sdk_model_.State(caller, ModelOf(settings, now_), text, now_);
  happened_.forbidden_answers += expected == model::SdkAnswer::kForbidden;
  return CompareAnswers(got, expected);
}

std::string BothSides::HeartbeatSdk(const Caller& caller, uint32_t bits) {
  Bits left(bits);
  const int kind = left.Take(2);
  const bool is_producer = kind == 0;
  const std::string group = is_producer ? "" : Group(left.Take(2));
  absl::StrAppend(&words_, is_producer ? "PRODUCER" : group);
  const CallStatus got = clients_.Heartbeat(
      Who(caller),
      is_producer ? v2::PRODUCER
                  : (kind == 1 ? v2::SIMPLE_CONSUMER : v2::PUSH_CONSUMER),
      group);
  const model::SdkAnswer expected =
      sdk_model_.Heartbeat(caller, is_producer,
                           kind == 1 ? ConsumeType::kConsumeActively
                                     : ConsumeType::kConsumePassively,
                           group, now_);
  happened_.forbidden_answers += expected == model::SdkAnswer::kForbidden;
  return CompareAnswers(got, expected);
}

std::string BothSides::PlaySdk(const Operation& operation) {
  // The highest bits, which nothing else takes.
  const int network = operation.bits >> 30 == 0 ? 1 : 0;
  const Caller caller = {ClientId(operation.who), network};
  if (network != 0) words_ = "from elsewhere ";
  SdkClient& client = sdks_[caller.id];
  switch (operation.act) {
    case Act::kSdkOpenStream:
      client.streams.push_back(
          {network, clients_.OpenStream(Who(caller)), ++last_sdk_stream_});
      sdk_model_.OpenStream(caller, last_sdk_stream_, now_);
      return "";
    case Act::kSdkCloseStream: {
      if (client.streams.empty()) return "";
      const auto at =
          client.streams.begin() +
          static_cast<ptrdiff_t>(operation.bits % client.streams.size());
      const SdkStream stream = *at;
      client.streams.erase(at);
      const Caller its = {caller.id, stream.network};
      words_ = stream.network != 0 ? "from elsewhere" : "";
      clients_.CloseStream(Who(its).key(), stream.number, Now());
      sdk_model_.CloseStream(its, stream.model_number, now_);
      return "";
    }
    case Act::kSdkSettings:
      client.settings = DrawSettings(operation.bits);
      return StateSdk(caller, client.settings);
    case Act::kSdkRepeatSettings:
      if (!client.settings.has_client_type()) return "";
      return StateSdk(caller, client.settings);
    case Act::kSdkHeartbeat: return HeartbeatSdk(caller, operation.bits);
    case Act::kSdkGoodbye:
      sdk_model_.Terminate(caller, now_);
      return CompareAnswers(clients_.Terminate(Who(caller)),
                            model::SdkAnswer::kOk);
    default: break;
  }
  const std::string topic = Topic(static_cast<int>(operation.bits % kTopics));
  absl::StrAppend(&words_, topic);
  clients_.NoteTopic(Who(caller), topic);
  sdk_model_.NoteTopic(caller, topic);
  return "";
}

// --- Operators and time ---

std::string BothSides::PlayOthers(const Operation& operation) {
  const std::string id = ClientId(operation.who);
  int64_t got = 0;
  int64_t expected = 0;
  if (operation.act == Act::kKick) {
    ChannelFilter filter;
    filter.client_id = id;
    const absl::StatusOr<size_t> kicked =
        core_.kicker().Kick(filter, absl::Milliseconds(kHold), "", Now());
    got = kicked.ok() ? static_cast<int64_t>(*kicked) : -1;
    TakeEvents();
    model::KickCriteria criteria;
    criteria.client_id = id;
    expected = model_.Kick(criteria, kHold, now_, departures_);
  } else if (operation.act == Act::kRelease) {
    got = static_cast<int64_t>(core_.kicker().Release(id, Now()));
    expected = model_.Release(id, now_);
  } else {
    Bits bits(operation.bits);
    const int kind = bits.Take(3);
    const Millis most = kind == 7 ? 130'000 : (kind == 6 ? 40'000 : 12'000);
    PassTime(bits.Take(16) * most / 65'536);
  }
  return got == expected ? ""
                         : absl::StrCat("expected ", expected, ", got ", got);
}

void BothSides::PassTime(Millis duration) {
  now_ += duration;
  const size_t before = sdk_model_.members();
  core_.housekeeping().Scan(Now());
  TakeEvents();
  model_.Scan(now_, departures_);
  happened_.sdk_members_expired +=
      static_cast<int64_t>(before - sdk_model_.members());
}

}  // namespace rmq::fronts
