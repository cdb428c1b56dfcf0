// Methods that answer one message with one message, by their paths.
#ifndef BROKER_SERVICE_UNARY_METHODS_H_
#define BROKER_SERVICE_UNARY_METHODS_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/response_code.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// Thread-safe once all methods are there.
class UnaryMethods {
 public:
  // Fills the response if it returns OK. `peer` is "host:port". Empties the
  // request.
  using Answer = std::function<CallStatus(absl::string_view peer,
                                          grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response)>;

  // Asked before a request is read: OK, or how the call ends.
  using Admit = std::function<CallStatus(absl::string_view peer)>;

  // `service` and `method` as the proto has them.
  template <typename Request, typename Response>
  void Add(absl::string_view service, absl::string_view method, Admit admit,
           std::function<CallStatus(absl::string_view peer, const Request&,
                                    Response*)>
               answer) {
    answers_[Path(service, method)] = [admit = std::move(admit),
                                       answer = std::move(answer)](
                                          absl::string_view peer,
                                          grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) {
      CallStatus status = admit(peer);
      if (!status.ok()) return status;
      Request message;
      if (!grpc::SerializationTraits<Request>::Deserialize(request, &message)
               .ok()) {
        return BadForm(absl::StrCat("the message is not a ",
                                    Request::descriptor()->name()));
      }
      Response filled;
      status = answer(peer, message, &filled);
      bool own_buffer;
      if (status.ok() && !grpc::SerializationTraits<Response>::Serialize(
                              filled, response, &own_buffer)
                              .ok()) {
        status = {absl::StatusCode::kInternal, ResponseCode::kSystemError,
                  "the response cannot be written"};
      }
      return status;
    };
  }

  static std::string Path(absl::string_view service, absl::string_view method) {
    return absl::StrCat("/", service, "/", method);
  }

  // Null if there is no such method.
  const Answer* Find(absl::string_view path) const {
    const auto found = answers_.find(path);
    return found == answers_.end() ? nullptr : &found->second;
  }

 private:
  absl::flat_hash_map<std::string, Answer> answers_;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_UNARY_METHODS_H_
