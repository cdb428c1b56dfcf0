// The methods of a server, with their handlers, and the steps that each call
// takes.
#ifndef COMMON_RPC_SERVER_METHOD_TABLE_H_
#define COMMON_RPC_SERVER_METHOD_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/payer_rates.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// A unary call goes through these steps, each of which may refuse it:
//
//   its caller is identified
//   its address has some of the method's rate left
//   the message is parsed
//   the gate: it is not turned away, and the Authorizer allows the call
//   the handler
//   the call is weighed: what it cost its address
//   Finish(): the outcome is counted, logged if it is an error, and written by
//   the method's OutcomeWriter
//
// A streaming method has an entry too, so that its streams have a name and
// counters. The reader of a stream leads the frames through gate().
//
// Thread-safe once all methods are there.
class MethodTable {
 public:
  // What a call takes of the rates of its address.
  enum class Weight {
    kNothing,
    kRequestItems,  // PayerRates::Kind::kGroups: items of its request.
    kResponseRows,  // PayerRates::Kind::kRows: CountRows() of its response.
  };

  struct MethodOptions {
    Weight weight = Weight::kNothing;
    // Answered to everybody, also while the server drains: for health checks.
    bool skips_gate = false;
    // Turned away while clients are, not only when the server goes down.
    bool is_for_clients = false;
    // Borrowed; null: the StatusOutcomeWriter.
    const OutcomeWriter* outcomes = nullptr;
  };

  // One method. Constant; its counters are thread-safe.
  struct Method {
    const google::protobuf::MethodDescriptor* descriptor;
    MethodCounters* counters;
    const OutcomeWriter* outcomes;
    // Answered to everybody, who need not say who he is.
    bool skips_gate = false;
    // Up to and without Finish(). Empties the request; fills the response if
    // the outcome is OK. Null for a streaming method.
    std::function<CallStatus(const CallContext&, grpc::ByteBuffer* request,
                             grpc::ByteBuffer* response)>
        answer;
  };

  template <typename Request>
  using ResourcesOf = std::function<CallResources(const Request&)>;
  // Fills the response if it returns OK.
  template <typename Request, typename Response>
  using Handler =
      std::function<CallStatus(const CallContext&, const Request&, Response*)>;

  // All are borrowed, and outlive the table.
  MethodTable(Gate* gate, PayerRates* rates, CallCounters* counters)
      : gate_(*gate), rates_(*rates), counters_(*counters) {}
  MethodTable(const MethodTable&) = delete;
  MethodTable& operator=(const MethodTable&) = delete;

  // Adds a unary method, which must take a Request, return a Response, and not
  // be there yet.
  template <typename Request, typename Response>
  const Method& Add(const google::protobuf::MethodDescriptor& descriptor,
                    const MethodOptions& options,
                    ResourcesOf<Request> resources_of,
                    Handler<Request, Response> handler) {
    Check(descriptor, *Request::descriptor(), *Response::descriptor());
    Method& method = AddEntry(descriptor, options.outcomes);
    method.skips_gate = options.skips_gate;
    method.answer = [this, options, resources_of = std::move(resources_of),
                     handler = std::move(handler)](
                        const CallContext& call, grpc::ByteBuffer* bytes,
                        grpc::ByteBuffer* response_bytes) {
      CallStatus status = CheckRate(options.weight, call);
      if (!status.ok()) return status;
      Request request;
      if (!Parse(bytes, &request)) return NotA(*Request::descriptor());
      if (!options.skips_gate) {
        const CallResources resources = resources_of(request);
        status = options.is_for_clients ? gate_.EnterClient(call, resources)
                                        : gate_.Enter(call, resources);
      }
      Response response;
      if (status.ok()) status = handler(call, request, &response);
      Weigh(options.weight, call, request, response);
      bool owns_buffer;
      if (status.ok() && !grpc::SerializationTraits<Response>::Serialize(
                              response, response_bytes, &owns_buffer)
                              .ok()) {
        return CallStatus{absl::StatusCode::kInternal,
                          ResponseCode::kSystemError,
                          "the response cannot be written"};
      }
      return status;
    };
    return method;
  }

  // Adds a streaming method.
  const Method& AddStreaming(
      const google::protobuf::MethodDescriptor& descriptor);

  // The method of a path, "/package.Service/Method"; null if there is none.
  const Method* Find(absl::string_view path) const;
  // The same for its descriptor.
  const Method* Find(
      const google::protobuf::MethodDescriptor& descriptor) const;

  // Counts the outcome of a call of `method` (null: of none) from `peer`, logs
  // it if it is an error, and has it written. Fills `metadata`, which must be
  // empty.
  grpc::Status Finish(const Method* method, absl::string_view peer,
                      const CallStatus& outcome, TrailingMetadata* metadata,
                      grpc::ByteBuffer* response) const;

  Gate& gate() const { return gate_; }
  CallCounters& counters() const { return counters_; }

  // "/package.Service/Method".
  static std::string PathOf(
      const google::protobuf::MethodDescriptor& descriptor);
  // The outcome of a call whose message cannot be parsed as a `request`.
  static CallStatus NotA(const google::protobuf::Descriptor& request);

 private:
  // Empties `bytes`. Returns false if they are no such message.
  static bool Parse(grpc::ByteBuffer* bytes,
                    google::protobuf::Message* message);
  // A method that does not fit is an error of this program's.
  static void Check(const google::protobuf::MethodDescriptor& descriptor,
                    const google::protobuf::Descriptor& request,
                    const google::protobuf::Descriptor& response);
  Method& AddEntry(const google::protobuf::MethodDescriptor& descriptor,
                   const OutcomeWriter* outcomes);
  CallStatus CheckRate(Weight weight, const CallContext& call) const;
  void Weigh(Weight weight, const CallContext& call,
             const google::protobuf::Message& request,
             const google::protobuf::Message& response) const;

  Gate& gate_;
  PayerRates& rates_;
  CallCounters& counters_;
  const StatusOutcomeWriter status_outcomes_;
  // By path.
  absl::flat_hash_map<std::string, std::unique_ptr<Method>> methods_;
};

// How many items the repeated fields of `message` have together, those of the
// messages in it left aside: what a request is weighed by.
int64_t CountItems(const google::protobuf::Message& message);

// What a response is weighed by: its items, or its bytes by kBytesOfARow if
// these make more rows. So few items that are large cost as much as many.
inline constexpr int64_t kBytesOfARow = 256;
int64_t CountRows(const google::protobuf::Message& response);

// The method of `service` that takes one `request`. Services whose methods each
// have a request of their own need no names of methods then. Such a method must
// be there.
const google::protobuf::MethodDescriptor& MethodTaking(
    const google::protobuf::Descriptor& request,
    const google::protobuf::ServiceDescriptor& service);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_METHOD_TABLE_H_
