#include "broker/broker_controller.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/client_event_logger.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/service/admin_handler.h"

namespace rmq {
namespace {

bool IsLoopback(absl::string_view address) {
  return absl::StartsWith(address, "127.") ||
         absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:");
}

}  // namespace

absl::Status BrokerController::Options::Validate() const {
  for (const absl::Status& status :
       {ValidateGroup("cluster", identity.cluster, limits),
        ValidateGroup("broker_name", identity.broker_name, limits),
        limits.Validate(), table.Validate(), policy.Validate(),
        notifier.Validate(), housekeeping.Validate(), server.Validate()}) {
    if (!status.ok()) return status;
  }
  if (!IsLoopback(server.address) && !allow_insecure_remote) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address must be a loopback address (there is no TLS and no "
        "authorisation yet) unless allow_insecure_remote is set, got ",
        server.address));
  }
  return absl::OkStatus();
}

class BrokerController::Impl {
 public:
  Impl(const Options& options, Clock* clock,
       std::unique_ptr<Authorizer> authorizer)
      : authorizer_(std::move(authorizer)),
        policy_(options.policy),
        notifier_(options.notifier),
        // The policy first: what it counts is true when the notifier pushes.
        table_(options.table, {&policy_, &notifier_, &logger_}),
        processor_(&table_, &policy_, &notifier_),
        housekeeping_(options.housekeeping, &table_, &notifier_,
                      clock->TimeNow()),
        request_handler_(options.identity, options.limits, &table_, &processor_,
                         authorizer_.get()),
        admin_handler_(options.limits, &table_, &policy_, clock, authorizer_.get()),
        clock_(*clock) {}

  absl::Status Start(const GrpcServer::Options& options) {
    absl::StatusOr<std::unique_ptr<GrpcServer>> server =
        GrpcServer::Start(options, {&request_handler_, &admin_handler_, &table_,
                                    &housekeeping_, &notifier_, &clock_});
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return absl::OkStatus();
  }

  GrpcServer& server() { return *server_; }

 private:
  const std::unique_ptr<Authorizer> authorizer_;
  ClientEventLogger logger_;
  GroupPolicy policy_;
  ConsumerIdsNotifier notifier_;
  ClientTable table_;
  ClientManageProcessor processor_;
  Housekeeping housekeeping_;
  RequestHandler request_handler_;
  AdminHandler admin_handler_;
  Clock& clock_;
  // After what it serves: it goes first.
  std::unique_ptr<GrpcServer> server_;
};

absl::StatusOr<std::unique_ptr<BrokerController>> BrokerController::Start(
    const Options& options, Clock* clock,
    std::unique_ptr<Authorizer> authorizer) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  if (authorizer == nullptr)
    authorizer = std::make_unique<AllowAllAuthorizer>();
  auto impl = std::make_unique<Impl>(options, clock, std::move(authorizer));
  status = impl->Start(options.server);
  if (!status.ok()) return status;
  return std::unique_ptr<BrokerController>(
      new BrokerController(std::move(impl)));
}

BrokerController::BrokerController(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
BrokerController::~BrokerController() = default;

const std::string& BrokerController::address() const {
  return impl_->server().address();
}
int BrokerController::port() const { return impl_->server().port(); }
void BrokerController::Shutdown(absl::Duration timeout) {
  impl_->server().Shutdown(timeout);
}

}  // namespace rmq
