#include "tools/cmctl/broker_commands.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "tools/cmctl/look_up.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const pb::GetBrokerResponse& BrokerOf(const Message& message) {
  return static_cast<const pb::GetBrokerResponse&>(message);
}

absl::Duration Between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return absl::Seconds(to.seconds() - from.seconds()) +
         absl::Nanoseconds(to.nanos() - from.nanos());
}

// "serving", "draining", "settling, 12s to go".
std::string StateCell(const Message& message, const FieldDescriptor&,
                      const TableTime&) {
  const pb::GetBrokerResponse& broker = BrokerOf(message);
  switch (broker.state()) {
    case pb::GetBrokerResponse::STATE_DRAINING: return "draining";
    case pb::GetBrokerResponse::STATE_DRAINED: return "drained";
    default: break;
  }
  if (!broker.has_settling_until()) return "serving";
  return absl::StrCat(
      "settling, ",
      absl::FormatDuration(absl::Ceil(
          Between(broker.now(), broker.settling_until()), absl::Seconds(1))),
      " to go");
}

std::string ChannelsCell(const Message& message, const FieldDescriptor&,
                         const TableTime&) {
  const pb::GetBrokerResponse& broker = BrokerOf(message);
  return absl::StrCat(broker.channels(), " of ", broker.max_channels());
}

// "consumer 3, producer 1".
std::string GroupsCell(const Message& message, const FieldDescriptor&,
                       const TableTime&) {
  const pb::GetBrokerResponse& broker = BrokerOf(message);
  return absl::StrCat("consumer ", broker.consumer_groups(), ", producer ",
                      broker.producer_groups());
}

std::string AddressesCell(const Message& message, const FieldDescriptor&,
                          const TableTime&) {
  return Printable(absl::StrJoin(
      BrokerOf(message).addresses(), ", ",
      [](std::string* out, const pb::ServedAddress& address) {
        absl::StrAppend(
            out, address.address(),
            address.security() == pb::ServedAddress::SECURITY_TLS ? " TLS" : "",
            address.is_for_operators() ? " operators" : "");
      }));
}

// "-": there is no TLS.
std::string CertificateCell(const Message& message,
                            const FieldDescriptor& field,
                            const TableTime& time) {
  return BrokerOf(message).has_certificate_not_after()
             ? PlainCell(message, field, time)
             : "-";
}

}  // namespace

const Table& BrokerTable() {
  static const Table& table = *new Table{
      "",
      {{"NAME", "broker_name"},
       {"ID", "broker_id"},
       {"VERSION", "version"},
       {"STATE", "state", StateCell},
       {"STARTED", "started_at", AgoCell},
       {"CHANNELS", "channels", ChannelsCell},
       {"GROUPS", "consumer_groups", GroupsCell},
       {"CERTIFICATE ENDS", "certificate_not_after", CertificateCell},
       {"AUTH", "auth"},
       {"CLUSTER", "cluster", PlainCell, Shown::kWide},
       {"ADDRESSES", "addresses", AddressesCell, Shown::kWide},
       {"REFUSED CHANNELS", "refused_channels", PlainCell, Shown::kWide},
       {"INCARNATION", "broker_incarnation", PlainCell, Shown::kWide}},
  };
  return table;
}

std::vector<Command> BrokerCommands() {
  return {
      {"broker",
       {},
       "what the broker is, how it can be reached, and how full it is",
       "Shows who the broker is, since when it runs, whether it serves, how "
       "many channels\nit has and may have, until when its certificate is "
       "good, and whether rules\ndecide who may what.",
       {},
       Show<pb::GetBrokerRequest>(InTable(BrokerTable()))},
  };
}

}  // namespace rmq::cmctl
