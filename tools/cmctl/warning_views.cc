#include "tools/cmctl/warning_views.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Of the client ids of a statement, as many stand in the table.
constexpr int kShownIds = 10;

// The beginning of a long expression: JSON has all of it.
std::string Cut(absl::string_view expression) {
  constexpr size_t kShownBytes = 60;
  if (expression.size() <= kShownBytes) return std::string(expression);
  size_t end = kShownBytes;  // Not within a character of UTF-8.
  while (end > 0 && (expression[end] & 0xC0) == 0x80) --end;
  return absl::StrCat(expression.substr(0, end), "... (", expression.size(),
                      " bytes)");
}

// "orders:TAG paid || created, refunds:TAG *".
std::string StatementCell(const Message& message, const FieldDescriptor&,
                          const TableTime&) {
  const auto& statement = static_cast<const pb::GroupStatement&>(message);
  return Printable(absl::StrJoin(
      statement.subscriptions(), ", ",
      [](std::string* out, const pb::SubscriptionData& subscription) {
        absl::StrAppend(out, subscription.topic(), ":",
                        subscription.expression_type(), " ",
                        Cut(subscription.expression()));
      }));
}

std::string IdsCell(const Message& message, const FieldDescriptor&,
                    const TableTime&) {
  const auto& ids =
      static_cast<const pb::GroupStatement&>(message).client_ids();
  std::vector<std::string> shown;
  for (int i = 0; i < ids.size() && i < kShownIds; ++i) {
    shown.push_back(ids[i]);
  }
  if (ids.size() > kShownIds) shown.push_back("...");
  return Printable(absl::StrJoin(shown, ","));
}

std::string RoleCell(const Message& message, const FieldDescriptor& field,
                     const TableTime&) {
  return message.GetReflection()->GetBool(message, &field) ? "most" : "differ";
}

std::string AddressesCell(const Message& message, const FieldDescriptor&,
                          const TableTime&) {
  const auto& duplicate = static_cast<const pb::DuplicateClientId&>(message);
  std::vector<std::string> addresses(duplicate.addresses().begin(),
                                     duplicate.addresses().end());
  for (const pb::Channel& channel : duplicate.channels()) {
    addresses.push_back(channel.remote_address());
  }
  std::string cell = absl::StrJoin(addresses, ",");
  if (duplicate.streams() > static_cast<int64_t>(addresses.size())) {
    cell += ",...";
  }
  return Printable(cell);
}

}  // namespace

std::vector<AnswerPart> ShowConsistency(
    const pb::GetSubscriptionConsistencyResponse& consistency,
    const TableTime& time) {
  static const Table& table = *new Table{
      "statements",
      {{"THESE", "is_reference", RoleCell},
       {"MEMBERS", "members"},
       {"CONSUME TYPE", "consume_type"},
       {"MESSAGE MODEL", "message_model"},
       {"SUBSCRIPTIONS", "subscriptions", StatementCell},
       {"STATED", "stated_since", AgoCell},
       {"CLIENT IDS", "client_ids", IdsCell}},
      "no member states a subscription",
  };
  std::string text =
      absl::StrCat("consumer group ", Printable(consistency.group()), ": ");
  if (consistency.consistent()) {
    absl::StrAppend(&text, "consistent");
  } else {
    absl::StrAppend(&text, "INCONSISTENT, since ",
                    CellOf(consistency, "inconsistent_since", time));
  }
  const bool rejects = consistency.policy() ==
                       pb::GetSubscriptionConsistencyResponse::POLICY_REJECT;
  absl::StrAppend(&text, "; policy ", rejects ? "REJECT" : "REPORT");
  const int64_t grace = consistency.inconsistency_grace().seconds();
  if (grace > 0) absl::StrAppend(&text, ", grace ", grace, "s");
  std::vector<AnswerPart> parts = {TextPart(absl::StrCat(text, "\n")),
                                   PartOf(consistency, table, time)};
  parts.back().gap = true;
  if (consistency.statements_left_out() > 0) {
    parts.push_back(TextPart(absl::StrCat(
        "and ", consistency.statements_left_out(), " more statements\n")));
  }
  return parts;
}

AnswerPart ShowDuplicates(const pb::ListDuplicateClientIdsResponse& duplicates,
                          const TableTime& time) {
  static const Table& table = *new Table{
      "duplicates",
      {{"CLIENT ID", "client_id"},
       {"STREAMS", "streams"},
       {"SINCE", "since", AgoCell},
       {"ADDRESSES", "channels", AddressesCell}},
      "no client id is used by several processes",
  };
  return PartOf(duplicates, table, time);
}

}  // namespace rmq::cmctl
