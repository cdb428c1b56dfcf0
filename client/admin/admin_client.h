// Asks one broker what its client manager knows: the operators' client.
//
// For tools, consoles and tests. The header needs no gRPC, and no code here
// names a method: a method that is added to the broker's services can be called
// at once.
#ifndef CLIENT_ADMIN_ADMIN_CLIENT_H_
#define CLIENT_ADMIN_ADMIN_CLIENT_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"
#include "google/protobuf/message.h"

namespace rmq {

// How a call with many responses ended.
struct AdminStreamEnd {
  // OK: the broker ended the call after its last response.
  absl::Status status;
  // The broker's own word why it ended the call, as "DRAINED"; else empty.
  std::string reason;
  // How long the broker asks the caller to stay away; zero: it did not say. At
  // most 24 h.
  absl::Duration retry_after;
};

// How the connection is secured, and who asks. As in rmq::ClientOptions.
struct AdminClientOptions {
  absl::optional<TlsOptions> tls;
  absl::optional<Credentials> credentials;
  bool allow_insecure_credentials = false;
};

// Calls block. Thread-safe.
//
//   AdminClient broker("127.0.0.1:10911", absl::Seconds(5));
//   pb::GetConsumerListByGroupRequest request;
//   request.set_group("orders");
//   auto answer = broker.Ask<pb::GetConsumerListByGroupResponse>(request);
class AdminClient {
 public:
  // The most calls that one Ask() makes, for pages and for refused ones again.
  static constexpr int kMaxCalls = 4096;

  // `broker` is host:port, or unix:PATH. All calls of this object together may
  // take `timeout`, which runs from here; InfiniteDuration: there is no limit.
  // In plain text, and nothing says who asks.
  AdminClient(absl::string_view broker, absl::Duration timeout);

  // The same with `options`. InvalidArgument if they do not validate. If a
  // file that they name cannot be used, an error as of Client::Create().
  static absl::StatusOr<std::unique_ptr<AdminClient>> Create(
      absl::string_view broker, absl::Duration timeout,
      const AdminClientOptions& options);

  ~AdminClient();
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  // Calls the unary method of ClientManagerAdmin or ClientManager whose request
  // has the type of `request`, and returns its response.
  //
  // A paged method is called for page after page. The response holds the
  // elements of all pages and no page token. But a request that sets page_size
  // gets that one page, with its token. A page that the broker refuses with
  // RESOURCE_EXHAUSTED, as too many rows a second, is asked for again while the
  // timeout and kMaxCalls allow.
  //
  // Errors: what the broker answered, code and message; Unavailable if it
  // cannot be reached, with the reason; DeadlineExceeded if the timeout is
  // over; Unimplemented if it does not offer the method; InvalidArgument if no
  // method takes such a request; ResourceExhausted if there are more pages than
  // kMaxCalls.
  absl::StatusOr<std::unique_ptr<google::protobuf::Message>> Ask(
      const google::protobuf::Message& request);

  // The same with a response of a known type. InvalidArgument if the method
  // returns another.
  template <typename Response>
  absl::StatusOr<Response> Ask(const google::protobuf::Message& request) {
    absl::StatusOr<std::unique_ptr<google::protobuf::Message>> answer =
        Ask(request);
    if (!answer.ok()) return answer.status();
    auto* const response = dynamic_cast<Response*>(answer->get());
    if (response == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          request.GetDescriptor()->full_name(), " is not answered with ",
          Response::descriptor()->full_name()));
    }
    return std::move(*response);
  }

  // Calls the method with many responses whose request has the type of
  // `request`, and returns when the call has ended. Calls `on_response` for
  // each response, in order; the next one is not read before it returns.
  //
  // Asks `goes_on` after each response and each tenth of a second. Once it
  // returns false the call ends with Cancelled. Neither function may call this
  // method.
  //
  // Errors: as those of Ask(). Unavailable also if the connection broke.
  AdminStreamEnd Stream(
      const google::protobuf::Message& request,
      absl::FunctionRef<void(const google::protobuf::Message&)> on_response,
      absl::FunctionRef<bool()> goes_on = [] { return true; });

 private:
  class Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // CLIENT_ADMIN_ADMIN_CLIENT_H_
