#include "tools/cmctl/watch_view.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/client_types.h"
#include "common/kv.h"
#include "common/member_change.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// Groups whose traffic is counted. More are shown without it.
constexpr size_t kMaxTraffic = 10'000;
// Of brokers that are away, so many are named above the table.
constexpr size_t kMostAway = 3;

std::string KindOf(bool is_producer) {
  return is_producer ? "producer" : "consumer";
}

std::string TimeCell(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S", time, zone);
}

std::string LabelsOf(const WatchedMember& member) {
  return absl::StrJoin(member.labels, ",",
                       [](std::string* out, const auto& label) {
                         absl::StrAppend(out, label.first, "=", label.second);
                       });
}

pb::WatchEvent::Type ToProto(WatchedEvent::Type type) {
  switch (type) {
    case WatchedEvent::Type::kUnknown: return pb::WatchEvent::TYPE_UNSPECIFIED;
    case WatchedEvent::Type::kClientRegister:
      return pb::WatchEvent::TYPE_CLIENT_REGISTER;
    case WatchedEvent::Type::kClientUnregister:
      return pb::WatchEvent::TYPE_CLIENT_UNREGISTER;
    case WatchedEvent::Type::kRegister: return pb::WatchEvent::TYPE_REGISTER;
    case WatchedEvent::Type::kUnregister:
      return pb::WatchEvent::TYPE_UNREGISTER;
    case WatchedEvent::Type::kDuplicateClientId:
      return pb::WatchEvent::TYPE_DUPLICATE_CLIENT_ID;
    case WatchedEvent::Type::kSubscriptionsInconsistent:
      return pb::WatchEvent::TYPE_SUBSCRIPTIONS_INCONSISTENT;
    case WatchedEvent::Type::kSubscriptionsConsistent:
      return pb::WatchEvent::TYPE_SUBSCRIPTIONS_CONSISTENT;
  }
  return pb::WatchEvent::TYPE_UNSPECIFIED;
}

}  // namespace

std::string EventLine(const WatchedEvent& event, absl::TimeZone zone,
                      absl::string_view broker) {
  const WatchedMember& member = event.member;
  std::string line =
      absl::StrCat(TimeCell(event.time, zone), " ", Name(event.type),
                   broker.empty() ? "" : Kv("broker", broker),
                   Kv("revision", event.revision));
  if (!member.group.empty()) {
    absl::StrAppend(&line, Kv("kind", KindOf(member.is_producer)),
                    Kv("group", member.group));
  }
  if (!member.client_id.empty()) {
    absl::StrAppend(&line, Kv("client_id", member.client_id),
                    Kv("remote", member.remote_address));
  }
  if (event.reason.has_value()) {
    absl::StrAppend(&line, Kv("reason", Name(*event.reason)));
  }
  if (!member.labels.empty()) {
    absl::StrAppend(&line, Kv("labels", LabelsOf(member)));
  }
  if (!event.detail.empty()) {
    absl::StrAppend(&line, Kv("detail", event.detail));
  }
  return line;
}

std::string ShortEventLine(const WatchedEvent& event, absl::TimeZone zone,
                           absl::string_view broker) {
  std::string line = absl::StrCat(
      absl::FormatTime("%H:%M:%S", event.time, zone), " ",
      EscapeControls(broker), broker.empty() ? "" : " ", Name(event.type));
  for (const absl::string_view part :
       {absl::string_view(event.member.group),
        absl::string_view(event.member.client_id),
        event.reason.has_value() ? Name(*event.reason) : absl::string_view(),
        absl::string_view(event.detail)}) {
    if (!part.empty()) absl::StrAppend(&line, " ", EscapeControls(part));
  }
  return line;
}

std::string EventJson(const WatchedEvent& event) {
  const WatchedMember& member = event.member;
  pb::WatchEvent proto;
  proto.set_revision(event.revision);
  const int64_t nanos = absl::ToUnixNanos(event.time);
  proto.mutable_time()->set_seconds(nanos / 1'000'000'000);
  proto.mutable_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  proto.set_type(ToProto(event.type));
  if (!member.group.empty()) {
    proto.set_kind(member.is_producer ? pb::GROUP_KIND_PRODUCER
                                      : pb::GROUP_KIND_CONSUMER);
  }
  proto.set_group(member.group);
  proto.set_client_id(member.client_id);
  proto.set_remote_address(member.remote_address);
  proto.mutable_labels()->insert(member.labels.begin(), member.labels.end());
  if (event.reason.has_value()) {
    proto.set_reason(
        static_cast<pb::RemovalReason>(static_cast<int>(*event.reason) + 1));
  }
  proto.set_channel_id(member.channel_id);
  proto.set_stream(member.is_stream);
  proto.set_language(static_cast<pb::LanguageCode>(member.language));
  proto.set_version(member.version);
  proto.set_detail(event.detail);
  return JsonLine(proto);
}

std::string FitTo(absl::string_view text, size_t columns) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && ++width > columns) return std::string(text.substr(0, i));
  }
  return std::string(text);
}

void WatchView::SetBrokers(const std::map<std::string, std::string>& labels) {
  std::map<std::string, Broker> brokers;
  for (const auto& [address, label] : labels) {
    const auto before = brokers_.find(address);
    Broker& broker = brokers[address];
    if (before != brokers_.end()) broker = std::move(before->second);
    broker.label = label;
  }
  brokers_ = std::move(brokers);
  traffic_rows_ = 0;
  for (const auto& [address, broker] : brokers_) {
    traffic_rows_ += broker.traffic.size();
  }
}

void WatchView::SetState(const std::string& address, const WatchState& state) {
  const auto broker = brokers_.find(address);
  if (broker != brokers_.end()) broker->second.state = state;
}

void WatchView::SetGroups(const std::string& address,
                          std::vector<WatchedGroup> groups) {
  const auto broker = brokers_.find(address);
  if (broker != brokers_.end()) broker->second.groups = std::move(groups);
}

void WatchView::Add(const std::string& address, const WatchedEvent& event) {
  const auto found = brokers_.find(address);
  if (found == brokers_.end()) return;
  Broker& broker = found->second;
  broker.revision = std::max(broker.revision, event.revision);
  AddLine(ShortEventLine(event, zone_, shows_brokers_ ? broker.label : ""));
  const std::pair<bool, std::string> key(event.member.is_producer,
                                         event.member.group);
  if (event.member.group.empty()) return;
  if (broker.traffic.count(key) == 0) {
    if (traffic_rows_ >= kMaxTraffic) return;
    ++traffic_rows_;
  }
  Traffic& traffic = broker.traffic[key];
  traffic.joined += event.type == WatchedEvent::Type::kClientRegister ? 1 : 0;
  traffic.left += event.type == WatchedEvent::Type::kClientUnregister ? 1 : 0;
  traffic.last = event.time;
}

void WatchView::AddLine(std::string line) {
  last_lines_.push_back(std::move(line));
  if (last_lines_.size() > kLastEvents) last_lines_.pop_front();
}

// "broker h:1: watched, revision 7", or "3 brokers: 2 watched" and why one is
// not.
std::vector<std::string> WatchView::Head() const {
  const auto in_words = [](const Broker& broker) {
    if (broker.state.connected) return std::string("watched");
    return broker.state.status.ok()
               ? "connecting"
               : absl::StrCat("away: ", broker.state.status.message());
  };
  std::vector<std::string> lines;
  if (!shows_brokers_) {
    for (const auto& [address, broker] : brokers_) {
      lines.push_back(EscapeControls(
          absl::StrCat("broker ", broker.label, ": ", in_words(broker),
                       broker.state.connected && broker.revision != 0
                           ? absl::StrCat(", revision ", broker.revision)
                           : "")));
    }
    return lines;
  }
  lines.emplace_back();
  size_t watched = 0;
  for (const auto& [address, broker] : brokers_) {
    if (broker.state.connected) {
      ++watched;
    } else if (lines.size() <= kMostAway) {
      lines.push_back(EscapeControls(
          absl::StrCat("  ", broker.label, " ", in_words(broker))));
    }
  }
  lines[0] = absl::StrCat(
      brokers_.size(),
      brokers_.size() == 1 ? " broker: " : " brokers: ", watched, " watched");
  const size_t away = brokers_.size() - watched;
  if (away > kMostAway) {
    lines.push_back(absl::StrCat("  and ", away - kMostAway, " more"));
  }
  return lines;
}

std::pair<std::vector<std::vector<std::string>>, size_t> WatchView::Rows(
    size_t most, absl::Time now) const {
  // A group's brokers stand below each other.
  using Row = std::tuple<bool, absl::string_view, const Broker*, size_t>;
  std::vector<Row> all;
  for (const auto& [address, broker] : brokers_) {
    for (const WatchedGroup& group : broker.groups) {
      all.emplace_back(group.is_producer, group.group, &broker, group.members);
    }
  }
  const auto order = [](const Row& a, const Row& b) {
    const auto key = [](const Row& row) {
      return std::make_tuple(std::get<0>(row), std::get<1>(row),
                             absl::string_view(std::get<2>(row)->label));
    };
    return key(a) < key(b);
  };
  const size_t shown = std::min(all.size(), most);
  std::partial_sort(all.begin(), all.begin() + shown, all.end(), order);

  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < shown; ++i) {
    const auto& [is_producer, group, broker, members] = all[i];
    std::vector<std::string>& row = rows.emplace_back();
    if (shows_brokers_) row.push_back(EscapeControls(broker->label));
    row.insert(row.end(), {EscapeControls(group), KindOf(is_producer),
                           absl::StrCat(members)});
    const auto traffic =
        broker->traffic.find({is_producer, std::string(group)});
    if (traffic == broker->traffic.end()) {
      row.insert(row.end(), {"0", "0", "-"});
    } else {
      row.insert(row.end(), {absl::StrCat(traffic->second.joined),
                             absl::StrCat(traffic->second.left),
                             Ago(traffic->second.last, now)});
    }
  }
  return {std::move(rows), all.size()};
}

std::string WatchView::Show(size_t columns, size_t rows, absl::Time now) const {
  std::vector<std::string> lines = Head();
  lines.emplace_back();

  // The events get what the groups leave, and a third of the screen at least.
  const size_t used = lines.size() + 4;
  const size_t room = rows > used ? rows - used : 1;
  auto [cells, groups] = Rows(std::max<size_t>(1, room - room / 3), now);
  const size_t shown = cells.size();
  std::vector<std::string> header = {"GROUP",  "KIND", "MEMBERS",
                                     "JOINED", "LEFT", "LAST EVENT"};
  if (shows_brokers_) header.insert(header.begin(), "BROKER");
  cells.insert(cells.begin(), std::move(header));
  const std::string table = AlignColumns(cells);
  for (absl::string_view line :
       absl::StrSplit(table, '\n', absl::SkipEmpty())) {
    lines.emplace_back(line);
  }
  if (groups > shown) {
    lines.push_back(absl::StrCat("and ", groups - shown, " more"));
  }
  lines.emplace_back();
  const size_t left = rows > lines.size() + 1 ? rows - lines.size() - 1 : 0;
  const size_t events = std::min(left, last_lines_.size());
  lines.insert(lines.end(), last_lines_.end() - events, last_lines_.end());

  // The last row of the screen is the cursor's.
  if (rows > 1 && lines.size() >= rows) lines.resize(rows - 1);
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, FitTo(line, columns), "\n");
  }
  return text;
}

}  // namespace rmq::cmctl
