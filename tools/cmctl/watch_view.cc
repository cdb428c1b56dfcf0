#include "tools/cmctl/watch_view.h"

#include <algorithm>

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

std::string EventLine(const WatchedEvent& event, absl::TimeZone zone) {
  const WatchedMember& member = event.member;
  std::string line =
      absl::StrCat(TimeCell(event.time, zone), " ", Name(event.type),
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

std::string ShortEventLine(const WatchedEvent& event, absl::TimeZone zone) {
  std::string line = absl::StrCat(
      absl::FormatTime("%H:%M:%S", event.time, zone), " ", Name(event.type));
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

void WatchView::Add(const WatchedEvent& event) {
  revision_ = std::max(revision_, event.revision);
  AddLine(ShortEventLine(event, zone_));
  const std::pair<bool, std::string> key(event.member.is_producer,
                                         event.member.group);
  if (event.member.group.empty() ||
      (traffic_.size() >= kMaxTraffic && traffic_.count(key) == 0)) {
    return;
  }
  Traffic& traffic = traffic_[key];
  traffic.joined += event.type == WatchedEvent::Type::kClientRegister ? 1 : 0;
  traffic.left += event.type == WatchedEvent::Type::kClientUnregister ? 1 : 0;
  traffic.last = event.time;
}

void WatchView::AddLine(std::string line) {
  last_lines_.push_back(std::move(line));
  if (last_lines_.size() > kLastEvents) last_lines_.pop_front();
}

std::string WatchView::Show(size_t columns, size_t rows, absl::Time now) const {
  std::vector<std::string> lines;
  std::string head = absl::StrCat("broker ", broker_, ": ");
  if (state_.connected) {
    absl::StrAppend(&head, "watched");
    if (revision_ != 0) absl::StrAppend(&head, ", revision ", revision_);
  } else if (state_.status.ok()) {
    absl::StrAppend(&head, "connecting");
  } else {
    absl::StrAppend(&head, "away: ", state_.status.message());
  }
  lines.push_back(EscapeControls(head));
  lines.emplace_back();

  // The events get what the groups leave, and a third of the screen at least.
  const size_t room = rows > 6 ? rows - 6 : 1;
  const size_t shown =
      std::min(groups_.size(), std::max<size_t>(1, room - room / 3));
  std::vector<std::vector<std::string>> cells = {
      {"GROUP", "KIND", "MEMBERS", "JOINED", "LEFT", "LAST EVENT"}};
  for (size_t i = 0; i < shown; ++i) {
    const WatchedGroup& group = groups_[i];
    std::vector<std::string>& row = cells.emplace_back();
    row = {EscapeControls(group.group),
           KindOf(group.is_producer),
           absl::StrCat(group.members),
           "0",
           "0",
           "-"};
    const auto traffic = traffic_.find({group.is_producer, group.group});
    if (traffic == traffic_.end()) continue;
    row[3] = absl::StrCat(traffic->second.joined);
    row[4] = absl::StrCat(traffic->second.left);
    row[5] = Ago(traffic->second.last, now);
  }
  const std::string table = AlignColumns(cells);
  for (absl::string_view line :
       absl::StrSplit(table, '\n', absl::SkipEmpty())) {
    lines.emplace_back(line);
  }
  if (groups_.size() > shown) {
    lines.push_back(absl::StrCat("and ", groups_.size() - shown, " more"));
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
