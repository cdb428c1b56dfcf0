#include "common/rpc/server/method_table.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/support/slice.h"

namespace rmq {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

}  // namespace

const MethodTable::Method& MethodTable::AddStreaming(
    const MethodDescriptor& descriptor) {
  CHECK(descriptor.client_streaming() || descriptor.server_streaming())
      << descriptor.full_name();
  return AddEntry(descriptor, nullptr);
}

const MethodTable::Method* MethodTable::Find(absl::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : found->second.get();
}

const MethodTable::Method* MethodTable::Find(
    const MethodDescriptor& descriptor) const {
  return Find(PathOf(descriptor));
}

grpc::Status MethodTable::Finish(const Method* method, absl::string_view peer,
                                 const CallStatus& outcome,
                                 TrailingMetadata* metadata,
                                 grpc::ByteBuffer* response) const {
  if (method != nullptr) {
    Gate::Leave(*method->counters, peer, "", outcome);
    return method->outcomes->Write(*method->descriptor, outcome, metadata,
                                   response);
  }
  if (outcome.code == absl::StatusCode::kUnimplemented) {
    // No refusal of ours: tools ask what there is.
    counters_.no_method().CountCall();
  } else {
    Gate::Leave(counters_.no_method(), peer, "", outcome);
  }
  return StatusOutcomeWriter::Write(outcome, metadata);
}

std::string MethodTable::PathOf(const MethodDescriptor& descriptor) {
  return absl::StrCat("/", descriptor.service()->full_name(), "/",
                      descriptor.name());
}

void MethodTable::Check(const MethodDescriptor& descriptor,
                        const Descriptor& request, const Descriptor& response) {
  CHECK(!descriptor.client_streaming() && !descriptor.server_streaming())
      << descriptor.full_name();
  CHECK_EQ(descriptor.input_type(), &request) << descriptor.full_name();
  CHECK_EQ(descriptor.output_type(), &response) << descriptor.full_name();
}

CallStatus MethodTable::NotA(const Descriptor& request) {
  return BadForm(absl::StrCat("the message is not a ", request.name()));
}

bool MethodTable::Parse(grpc::ByteBuffer* bytes, Message* message) {
  grpc::Slice slice;
  if (!bytes->TrySingleSlice(&slice).ok()) {
    return grpc::GenericDeserialize<grpc::ProtoBufferReader, Message>(bytes,
                                                                      message)
        .ok();
  }
  // Nearly all messages: half the cost of a stream of slices.
  bytes->Clear();
  return message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

MethodTable::Method& MethodTable::AddEntry(const MethodDescriptor& descriptor,
                                           const OutcomeWriter* outcomes) {
  std::unique_ptr<Method>& method = methods_[PathOf(descriptor)];
  CHECK(method == nullptr) << descriptor.full_name() << " is there already";
  method = std::make_unique<Method>();
  method->descriptor = &descriptor;
  method->counters = &counters_.Add(descriptor);
  method->outcomes = outcomes == nullptr ? &status_outcomes_ : outcomes;
  return *method;
}

CallStatus MethodTable::CheckRate(Weight weight,
                                  const CallContext& call) const {
  switch (weight) {
    case Weight::kNothing: break;
    case Weight::kRequestItems:
      return rates_.Check(PayerRates::Kind::kGroups, call.peer.payer(),
                          call.now);
    case Weight::kResponseRows:
      return rates_.Check(PayerRates::Kind::kRows, call.peer.payer(), call.now);
  }
  return {};
}

void MethodTable::Weigh(Weight weight, const CallContext& call,
                        const Message& request, const Message& response) const {
  switch (weight) {
    case Weight::kNothing: break;
    case Weight::kRequestItems:
      rates_.Take(PayerRates::Kind::kGroups, call.peer.payer(),
                  CountItems(request), call.now);
      break;
    case Weight::kResponseRows:
      rates_.Take(PayerRates::Kind::kRows, call.peer.payer(),
                  CountRows(response), call.now);
      break;
  }
}

int64_t CountItems(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  int64_t items = 0;
  for (const FieldDescriptor* field : fields) {
    if (!field->is_repeated()) continue;
    items += message.GetReflection()->FieldSize(message, field);
  }
  return items;
}

int64_t CountRows(const Message& response) {
  const auto bytes = static_cast<int64_t>(response.ByteSizeLong());
  return std::max(CountItems(response), bytes / kBytesOfARow);
}

const MethodDescriptor& MethodTaking(const Descriptor& request,
                                     const ServiceDescriptor& service) {
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    if (method.input_type() == &request && !method.client_streaming()) {
      return method;
    }
  }
  LOG(FATAL) << service.full_name() << " has no method that takes a "
             << request.full_name();
}

}  // namespace rmq
