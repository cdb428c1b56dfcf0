#include "broker/logging/client_event_logger.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/registry/principals.h"
#include "common/client_network.h"
#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {
namespace {

std::string Shown(const LabelsPtr& labels) {
  std::string text = ToString(labels);
  if (text.size() <= ClientEventLogger::kMaxLabelBytes) return text;
  text.resize(ClientEventLogger::kMaxLabelBytes);
  return text + "...";
}

// Of an event that has a client id.
Payer PayerOf(const ClientEvent& event) {
  if (event.principal != Principals::kAnonymous) {
    return {event.principal, /*is_principal=*/true};
  }
  return rmq::PayerOf("", ClientNetworkOf(event.channel->remote_address()));
}

}  // namespace

ClientEventLogger::~ClientEventLogger() {
  WriteLines();
  TellLeftOut(&lines_budget_);
  TellLeftOut(&warnings_budget_);
}

void ClientEventLogger::OnClientEvent(const ClientEvent& event) {
  if (IsWarning(event.type)) {
    LogWarning(event);
    return;
  }
  if (event.type != EventType::kClientRegister &&
      event.type != EventType::kClientUnregister) {
    return;
  }
  if (event.revision != revision_) {
    WriteLines();
    revision_ = event.revision;
  }
  Line& line = LineOf(event);
  (event.kind == GroupKind::kConsumer ? line.has_consumers
                                      : line.has_producers) = true;
  if (line.groups < kMaxNames) {
    absl::StrAppend(&line.names, line.groups == 0 ? "" : ",", event.group);
  }
  ++line.groups;
}

ClientEventLogger::Line& ClientEventLogger::LineOf(const ClientEvent& event) {
  // From the end: most events are of the channel of the one before. A
  // replacement tells of two channels in turn.
  const auto found =
      std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& line) {
        return line.channel == event.channel && line.type == event.type &&
               line.reason == event.reason && line.client_id == event.client_id;
      });
  if (found != lines_.rend()) return *found;
  Line& line = lines_.emplace_back();
  line.type = event.type;
  line.reason = event.reason;
  line.channel = event.channel;
  line.labels = event.labels;
  line.payer = PayerOf(event);
  line.client_id = event.client_id;
  return line;
}

void ClientEventLogger::WriteLines() {
  for (const Line& line : lines_) {
    if (!TakeLine(line.payer, &lines_budget_)) continue;
    const absl::string_view verb =
        line.type == EventType::kClientRegister   ? "joined"
        : line.reason == RemovalReason::kReplaced ? "replaced"
                                                  : "left";
    const bool has_both = line.has_consumers && line.has_producers;
    LOG(INFO) << verb
              << Kv("kind",
                    has_both ? "consumer,producer"
                             : Name(line.has_consumers ? GroupKind::kConsumer
                                                       : GroupKind::kProducer))
              << (line.groups == 1 ? "" : Kv("groups", line.groups))
              << Kv("group", line.groups <= kMaxNames
                                 ? line.names
                                 : absl::StrCat(line.names, ",..."))
              << Kv("client_id", line.client_id)
              << Kv("channel", line.channel->id())
              << Kv("remote", line.channel->remote_address())
              << (line.type == EventType::kClientRegister
                      ? ""
                      : Kv("reason", Name(line.reason)))
              << (line.labels == nullptr ? ""
                                         : Kv("labels", Shown(line.labels)));
  }
  lines_.clear();
}

void ClientEventLogger::LogWarning(const ClientEvent& event) {
  WriteLines();
  const Payer payer = event.channel == nullptr ? Payer() : PayerOf(event);
  if (!TakeLine(payer, &warnings_budget_)) return;
  if (event.type == EventType::kDuplicateClientId) {
    LOG(WARNING) << "duplicate" << Kv("client_id", event.client_id)
                 << Kv("channel", event.channel->id())
                 << Kv("remote", event.channel->remote_address())
                 << Kv("other", event.detail);
  } else if (event.type == EventType::kSubscriptionsInconsistent) {
    LOG(WARNING) << "inconsistent" << Kv("group", event.group)
                 << Kv("difference", event.detail);
  } else {
    LOG(INFO) << "consistent" << Kv("group", event.group);
  }
}

bool ClientEventLogger::TakeLine(const Payer& payer, Budget* budget) {
  const absl::Time now = clock_.TimeNow();
  if (!budget->rate.Take(payer, now)) {
    ++budget->left_out_untold;
    ++lines_left_out_;
    return false;
  }
  if (budget->left_out_untold > 0 && now - budget->told >= kTellPeriod) {
    budget->told = now;
    TellLeftOut(budget);
  }
  return true;
}

void ClientEventLogger::TellLeftOut(Budget* budget) {
  if (budget->left_out_untold == 0) return;
  LOG(WARNING) << "left out " << std::exchange(budget->left_out_untold, 0)
               << " " << budget->what << Kv("per_second", budget->per_second);
}

}  // namespace rmq
