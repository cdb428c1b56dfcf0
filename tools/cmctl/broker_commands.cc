#include "tools/cmctl/broker_commands.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
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

// ", not in etcd" if the broker should be there, and is not.
absl::string_view Missing(const pb::GetBrokerResponse& broker) {
  const auto state = broker.registration().state();
  return state == pb::DiscoveryRegistration::STATE_NOT_REGISTERED ||
                 state == pb::DiscoveryRegistration::STATE_NAME_IN_USE
             ? ", not in etcd"
             : "";
}

// "serving", "draining", "settling, 12s to go", "serving, not in etcd".
std::string StateCell(const Message& message, const FieldDescriptor&,
                      const TableTime&) {
  const pb::GetBrokerResponse& broker = BrokerOf(message);
  switch (broker.state()) {
    case pb::GetBrokerResponse::STATE_DRAINING: return "draining";
    case pb::GetBrokerResponse::STATE_DRAINED: return "drained";
    default: break;
  }
  if (!broker.has_settling_until()) {
    return absl::StrCat("serving", Missing(broker));
  }
  return absl::StrCat(
      "settling, ",
      absl::FormatDuration(absl::Ceil(
          Between(broker.now(), broker.settling_until()), absl::Seconds(1))),
      " to go", Missing(broker));
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

// "yes"; "-": the broker does not register.
std::string RegistrationCell(const Message& message, const FieldDescriptor&,
                             const TableTime&) {
  const pb::GetBrokerResponse& broker = BrokerOf(message);
  if (!broker.has_registration()) return "-";
  switch (broker.registration().state()) {
    case pb::DiscoveryRegistration::STATE_REGISTERED:
      return broker.registration().error().empty() ? "yes" : "yes, not renewed";
    case pb::DiscoveryRegistration::STATE_NOT_REGISTERED: return "no";
    case pb::DiscoveryRegistration::STATE_NAME_IN_USE:
      return "no, its name is in use";
    case pb::DiscoveryRegistration::STATE_WITHDRAWN: return "withdrawn";
    case pb::DiscoveryRegistration::STATE_WITHDRAWING: return "withdrawing";
    default: return "?";
  }
}

std::string RegistrationErrorCell(const Message& message,
                                  const FieldDescriptor&, const TableTime&) {
  return Printable(BrokerOf(message).registration().error());
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
       {"IN ETCD", "registration", RegistrationCell, Shown::kWide},
       {"ETCD ERROR", "registration", RegistrationErrorCell, Shown::kWide},
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
       "good, whether rules\ndecide who may what, and whether clients find it "
       "in etcd.",
       {},
       Show<pb::GetBrokerRequest>(InTable(BrokerTable()))},
  };
}

}  // namespace rmq::cmctl
