// BothSides: what of the two is compared.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/table_queries.h"
#include "common/client_types.h"
#include "tests/fronts/both_sides.h"
#include "tests/fronts/drawn_statements.h"

namespace rmq::fronts {
namespace {

constexpr size_t kAll = ClientTable::kMaxPiece;

// As the broker's: of channels that were opened in the same order.
int NumberOf(const ClientChannel& channel) {
  return static_cast<int>(channel.id()) - 1;
}
std::string NumberOf(const ClientChannelPtr& channel) {
  return channel == nullptr ? "none" : absl::StrCat("#", NumberOf(*channel));
}
std::string Shown(int number) {
  return number < 0 ? "none" : absl::StrCat("#", number);
}

std::string ShowModes(const ConsumerModes& modes) {
  return absl::StrCat(modes.consume_type, "/", modes.message_model, "/",
                      modes.consume_from_where);
}
std::string ShowSubscription(absl::string_view topic, absl::string_view type,
                             absl::string_view expression, int64_t version) {
  return absl::StrCat(" ", topic, "=", type, ":", expression, "@", version);
}
std::string ShowMember(int number, absl::string_view client_id,
                       LanguageCode language, int32_t version,
                       model::Millis heard) {
  return absl::StrCat(" [#", number, " ", client_id, " ",
                      static_cast<int>(language), " ", version, " ", heard,
                      "]");
}

// Lines that only one of them has; "-" is the expected side.
std::string Differences(const std::vector<std::string>& expected,
                        const std::vector<std::string>& got) {
  std::string text;
  const auto add_missing = [&text](const char* sign, const auto& in,
                                   const auto& from) {
    for (const std::string& line : in) {
      if (std::find(from.begin(), from.end(), line) == from.end()) {
        absl::StrAppend(&text, "\n    ", sign, " ", line);
      }
    }
  };
  add_missing("-", expected, got);
  add_missing("+", got, expected);
  return text.empty() ? "\n    another order" : text;
}

}  // namespace

void BothSides::TakeEvents() {
  for (const ClientEvent& event : listener_.Take()) {
    // Which ones change nothing is the registry's affair; what they change is
    // asked for.
    if (event.type == EventType::kRegister) continue;
    ++happened_.events;
    std::string text(Name(event.type));
    if (event.channel != nullptr) {
      const int number = NumberOf(*event.channel);
      absl::StrAppend(&text, " #", number, " ", event.client_id);
      if (event.type == EventType::kClientUnregister) {
        absl::StrAppend(&text, " ", Name(event.reason));
        departures_.push_back({number, event.kind, event.group});
      }
    }
    if (event.subscriptions != nullptr) {
      for (const auto& [topic, subscription] : *event.subscriptions) {
        absl::StrAppend(&text, " ", topic);
      }
    }
    events_[{event.kind, event.group}].push_back(std::move(text));
  }
}

std::string BothSides::CompareEffects(bool is_by_sdk) {
  TakeEvents();
  const Events got = std::exchange(events_, {});
  departures_.clear();
  const model::Effects effects = model_.TakeEffects();
  Events expected;
  for (const model::Event& event : effects.events) {
    if (event.type == EventType::kRegister) continue;
    std::string text(Name(event.type));
    if (event.channel >= 0) {
      absl::StrAppend(&text, " #", event.channel, " ", event.client_id);
      if (event.type == EventType::kClientUnregister) {
        absl::StrAppend(&text, " ", Name(event.reason));
      }
    }
    for (const std::string& topic : event.topics) {
      absl::StrAppend(&text, " ", topic);
    }
    expected[{event.kind, event.group}].push_back(std::move(text));
  }
  for (const auto& [group, of_group] : expected) {
    const auto found = got.find(group);
    const std::vector<std::string> its =
        found == got.end() ? std::vector<std::string>() : found->second;
    if (its != of_group) {
      return absl::StrCat("events of ", Name(group.first), " ", group.second,
                          Differences(of_group, its));
    }
  }
  for (const auto& [group, of_group] : got) {
    if (expected.count(group) == 0) {
      return absl::StrCat("events of ", Name(group.first), " ", group.second,
                          Differences({}, of_group));
    }
  }

  std::set<std::string> pushed;
  std::set<std::string> to_push;
  for (const Stream& stream : streams_) {
    if (stream.channel == nullptr) continue;
    const std::vector<std::string> groups = stream.channel->TakePushes();
    if (stream.channel->closed()) continue;
    for (const std::string& group : groups) {
      pushed.insert(absl::StrCat("#", stream.number, " ", group));
    }
    for (const model::Push& push : effects.pushes) {
      if (push.channel != stream.number) continue;
      to_push.insert(absl::StrCat("#", push.channel, " ", push.group));
    }
  }
  if (is_by_sdk)
    happened_.pushes_by_sdks += static_cast<int64_t>(pushed.size());
  if (pushed == to_push) return "";
  return absl::StrCat("pushes", Differences({to_push.begin(), to_push.end()},
                                            {pushed.begin(), pushed.end()}));
}

std::string BothSides::CompareLookUps() const {
  const std::vector<std::string> expected = AskModel();
  const std::vector<std::string> got = AskProduct();
  return expected == got ? ""
                         : absl::StrCat("state", Differences(expected, got));
}

std::vector<std::string> BothSides::AskProduct() const {
  const TableQueries& table = core_.table();
  std::vector<std::string> lines;
  const auto add_members = [&](GroupKind kind, const std::string& group,
                               std::string line) {
    MemberCursor cursor = 0;
    for (const MemberInfo& member :
         table.ListMembers(kind, group, kAll, &cursor)) {
      absl::StrAppend(&line,
                      ShowMember(NumberOf(*member.channel), member.client_id,
                                 member.language, member.version,
                                 absl::ToUnixMillis(member.last_heard)));
    }
    lines.push_back(std::move(line));
  };
  for (const ConsumerGroupInfo& group : table.ListConsumerGroups("", kAll)) {
    std::string line =
        absl::StrCat("consumers ", group.group, " ", ShowModes(group.modes));
    for (const auto& [topic, subscription] : *group.subscriptions) {
      absl::StrAppend(
          &line,
          ShowSubscription(topic, subscription.expression_type,
                           subscription.expression, subscription.sub_version));
    }
    add_members(GroupKind::kConsumer, group.group, std::move(line));
  }
  for (const ProducerGroupInfo& group : table.ListProducerGroups("", kAll)) {
    add_members(GroupKind::kProducer, group.group,
                absl::StrCat("producers ", group.group));
  }
  for (int i = 0; i < kTopics; ++i) {
    lines.push_back(absl::StrCat(
        Topic(i), ": ",
        absl::StrJoin(table.GroupsOfTopic(Topic(i), "", kAll), " ")));
  }
  for (int i = 0; i < kClientIds; ++i) {
    lines.push_back(
        absl::StrCat(ClientId(i), ": produces ",
                     NumberOf(table.FindProducerChannel(ClientId(i))),
                     " unary ", NumberOf(table.FindStandIn(ClientId(i)))));
  }
  lines.push_back(absl::StrCat(clients_.members(), " SDK members, ",
                               clients_.idle(), " idle, ",
                               table.counts().channels, " channels"));
  return lines;
}

std::vector<std::string> BothSides::AskModel() const {
  std::vector<std::string> lines;
  const auto add_members = [&](GroupKind kind, const std::string& group,
                               const std::set<int>& members, std::string line) {
    for (const int number : members) {
      const model::Membership& membership =
          *model_.FindMembership(number, kind, group);
      absl::StrAppend(&line, ShowMember(number, membership.client_id,
                                        membership.language, membership.version,
                                        model_.LastHeard(number, membership)));
    }
    lines.push_back(std::move(line));
  };
  for (const auto& [name, group] : model_.groups(GroupKind::kConsumer)) {
    std::string line =
        absl::StrCat("consumers ", name, " ", ShowModes(group.statement.modes));
    for (const auto& [topic, subscription] : group.statement.subscriptions) {
      absl::StrAppend(
          &line,
          ShowSubscription(topic, subscription.expression_type,
                           subscription.expression, subscription.version));
    }
    add_members(GroupKind::kConsumer, name, group.members, std::move(line));
  }
  for (const auto& [name, group] : model_.groups(GroupKind::kProducer)) {
    add_members(GroupKind::kProducer, name, group.members,
                absl::StrCat("producers ", name));
  }
  for (int i = 0; i < kTopics; ++i) {
    lines.push_back(absl::StrCat(
        Topic(i), ": ", absl::StrJoin(model_.GroupsOfTopic(Topic(i)), " ")));
  }
  for (int i = 0; i < kClientIds; ++i) {
    lines.push_back(absl::StrCat(ClientId(i), ": produces ",
                                 Shown(model_.FindProducerChannel(ClientId(i))),
                                 " unary ",
                                 Shown(model_.FindStandIn(ClientId(i)))));
  }
  const size_t members = sdk_model_.members();
  lines.push_back(absl::StrCat(members, " SDK members, ",
                               sdk_model_.clients() - members, " idle, ",
                               model_.open_channels().size(), " channels"));
  return lines;
}

}  // namespace rmq::fronts
