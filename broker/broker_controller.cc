#include "broker/broker_controller.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/fronts/admin/admin_front.h"
#include "broker/fronts/clientmanager/client_manager_front.h"
#include "broker/fronts/clientmanager/heartbeat.h"
#include "broker/fronts/edge_counters.h"
#include "broker/logging/client_event_logger.h"
#include "broker/logging/process_log.h"
#include "broker/metrics/client_manager_metrics.h"
#include "broker/metrics/metrics_exposer.h"
#include "broker/timer/alarm.h"
#include "common/rpc/server/listen_address.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// Longer ones say little, and a message on the wire has to hold it.
constexpr absl::Duration kMaxChannelExpiry = absl::Hours(24 * 365);

}  // namespace

absl::Status BrokerController::Options::Validate() const {
  std::vector<std::string> errors;
  const auto note = [&errors](const absl::Status& status) {
    if (status.ok() || absl::c_linear_search(errors, status.message())) return;
    errors.emplace_back(status.message());
  };
  note(limits.Validate());
  // A limit that makes no sense is told before what it makes of names.
  if (errors.empty()) {
    note(ValidateGroup("cluster", identity.cluster, limits));
    note(ValidateGroup("broker_name", identity.broker_name, limits));
  }
  note(table.Validate());
  note(policy.Validate());
  note(notifier.Validate());
  note(housekeeping.Validate());
  note(server.Validate());
  if (table.channel_expiry > kMaxChannelExpiry) {
    note(absl::InvalidArgumentError(
        absl::StrCat("channel_expiry must be at most ",
                     absl::FormatDuration(kMaxChannelExpiry), ", got ",
                     absl::FormatDuration(table.channel_expiry))));
  }
  if (settle.has_value() &&
      (*settle < absl::ZeroDuration() || *settle > kMaxChannelExpiry)) {
    note(absl::InvalidArgumentError(absl::StrCat(
        "settle must be 0 to ", absl::FormatDuration(kMaxChannelExpiry),
        ", got ", absl::FormatDuration(*settle))));
  }
  if (drain_timeout < absl::ZeroDuration()) {
    note(absl::InvalidArgumentError(
        absl::StrCat("drain_timeout must not be negative, got ",
                     absl::FormatDuration(drain_timeout))));
  }
  for (const auto& [name, address] :
       {std::make_pair("address", server.address),
        std::make_pair("metrics_address", metrics_address)}) {
    if (address.empty()) continue;  // Of the two, only metrics_address.
    const absl::StatusOr<ListenAddress> parsed =
        ParseListenAddress(name, address);
    note(parsed.status());
    if (parsed.ok() && !allow_insecure_remote && !IsLoopback(*parsed)) {
      note(absl::InvalidArgumentError(absl::StrCat(
          name,
          " must be a loopback address (there is no TLS and no authorisation "
          "yet) unless allow_insecure_remote is set, got ",
          address)));
    }
  }
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

absl::Duration BrokerController::Options::effective_settle() const {
  return settle.value_or(table.channel_expiry / kIntervalsPerExpiry);
}

class BrokerController::Impl {
 public:
  Impl(const Options& options, Clock* clock,
       std::unique_ptr<Authorizer> authorizer)
      : authorizer_(std::move(authorizer)),
        logger_(clock),
        metrics_(std::make_shared<ClientManagerMetrics>(
            ClientManagerMetrics::Identity{options.identity.cluster,
                                           options.identity.broker_name},
            options.table.channel_expiry, &counters_,
            // At a scrape, when the core is there.
            [this] {
              return ClientManagerMetrics::Readings{
                  core_.table().counts(), core_.notifier().counts(),
                  logger_.lines_left_out(), LogLinesDropped()};
            })),
        core_(options, {metrics_.get(), &logger_}, clock->TimeNow(),
              [this](absl::Time time) { alarm_.BringForward(time); }),
        client_manager_({options.identity, options.limits,
                         clock->TimeNow() + options.effective_settle(),
                         core_.table(), core_.processor(), counters_}),
        admin_({options.limits, core_.table(), core_.policy(),
                options.notifier.enabled, *clock}),
        clock_(*clock) {}

  absl::Status Start(const Options& options) {
    absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(
        options.server, {&client_manager_, &admin_, authorizer_.get(),
                         &core_.table(), &core_.housekeeping(),
                         &core_.notifier(), &alarm_, &clock_, &counters_});
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    if (!options.metrics_address.empty()) {
      absl::StatusOr<std::unique_ptr<MetricsExposer>> exposer =
          MetricsExposer::Start(options.metrics_address, metrics_);
      if (exposer.ok()) {
        exposer_ = *std::move(exposer);
      } else {
        LOG(WARNING) << "metrics are not served: " << exposer.status().message()
                     << "; give another --metrics_address (port 0: any that is "
                        "free), or an empty one for none";
      }
    }
    return absl::OkStatus();
  }

  std::string metrics_address() const {
    return exposer_ == nullptr ? "" : exposer_->address();
  }

  GrpcServer& server() { return *server_; }

 private:
  const std::unique_ptr<Authorizer> authorizer_;
  ClientEventLogger logger_;
  Alarm alarm_;
  EdgeCounters counters_;
  // Shared with the exposer, which asks for it so.
  const std::shared_ptr<ClientManagerMetrics> metrics_;
  BrokerCore core_;
  ClientManagerFront client_manager_;
  AdminFront admin_;
  Clock& clock_;
  // After what they serve: they go first.
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<MetricsExposer> exposer_;
};

absl::StatusOr<std::unique_ptr<BrokerController>> BrokerController::Start(
    const Options& options, Clock* clock,
    std::unique_ptr<Authorizer> authorizer) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  if (authorizer == nullptr) {
    authorizer = std::make_unique<AllowAllAuthorizer>();
  }
  auto impl = std::make_unique<Impl>(options, clock, std::move(authorizer));
  status = impl->Start(options);
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
std::string BrokerController::metrics_address() const {
  return impl_->metrics_address();
}
void BrokerController::Shutdown(absl::Duration timeout) {
  impl_->server().Shutdown(timeout);
}

}  // namespace rmq
