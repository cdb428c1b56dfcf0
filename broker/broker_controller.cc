#include "broker/broker_controller.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "broker/drain_effects.h"
#include "broker/fronts/admin/admin_front.h"
#include "broker/fronts/admin/drain_followers.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/clientmanager/client_manager_front.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/edge_counters.h"
#include "broker/fronts/end_status.h"
#include "broker/fronts/identified_streams.h"
#include "broker/fronts/rocketmq_v2/rocketmq_v2_front.h"
#include "broker/fronts/rules_authorizer.h"
#include "broker/housekeeping/drain.h"
#include "broker/housekeeping/housekeeping_task.h"
#include "broker/logging/audit_log.h"
#include "broker/logging/client_event_logger.h"
#include "broker/logging/process_log.h"
#include "broker/make_broker_facts.h"
#include "broker/make_discovery_entry.h"
#include "broker/metrics/client_manager_metrics.h"
#include "broker/metrics_part.h"
#include "broker/notify/push_task.h"
#include "broker/part.h"
#include "broker/registrar/advertised_addresses.h"
#include "broker/registrar/registrar.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_event.h"
#include "broker/server/grpc_server.h"
#include "broker/storage/file_reloader.h"
#include "broker/timer/alarm.h"
#include "broker/timer/background_timer.h"
#include "broker/timer/memory_trim.h"
#include "broker/timer/periodic_task.h"
#include "broker/timer/unused_memory.h"
#include "common/real_clock.h"
#include "common/response_code.h"
#include "common/rpc/credentials/server_tls_credentials.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/server_calls.h"
#include "glog/logging.h"

namespace rmq {

class BrokerController::Impl {
 public:
  // `tls` is null if there is no TLS.
  Impl(const Options& options, Clock* clock,
       std::unique_ptr<Authorizer> authorizer,
       std::unique_ptr<ServerTlsCredentials> tls,
       std::function<bool()> is_to_stop)
      : clock_(*clock),
        tls_(std::move(tls)),
        rules_(authorizer == nullptr && options.auth.mode != AuthMode::kOff
                   ? std::make_unique<RulesAuthorizer>(
                         options.auth, options.identity.cluster, clock,
                         &counters_.denials)
                   : nullptr),
        authorizer_(authorizer != nullptr
                        ? std::move(authorizer)
                        : std::make_unique<AllowAllAuthorizer>()),
        logger_(clock),
        timer_(clock),
        audit_(clock, timer_.Listener()),
        metrics_(std::make_shared<ClientManagerMetrics>(
            ClientManagerMetrics::Identity{options.identity.cluster,
                                           options.identity.broker_name},
            &counters_,
            // At a scrape, when the core is there.
            [this] {
              return ClientManagerMetrics::Readings{
                  core_.table().counts(),   core_.notifier().counts(),
                  core_.drain().counts(),   core_.watches().counts(),
                  logger_.lines_left_out(), LogLinesDropped(),
                  &calls_.connections,      server_.accept_errors(),
                  CertificateNotAfter(),    Registration()};
            })),
        core_(options, {metrics_.get(), &logger_}, clock->TimeNow(),
              timer_.Listener()),
        calls_(CallOptions(options.server),
               rules_ != nullptr ? rules_.get() : authorizer_.get(),
               EndStatus(RemovalReason::kDrained), &counters_.calls, clock,
               timer_.Listener()),
        identified_streams_(timer_.Listener()),
        client_manager_({options.identity, options.limits,
                         clock->TimeNow() + options.effective_settle(),
                         core_.table(), core_.processor(), counters_},
                        &core_.housekeeping(), &core_.drain(), &calls_,
                        &identified_streams_, timer_.Listener()),
        rocketmq_v2_(options.rocketmq5.enabled
                         ? std::make_unique<RocketmqV2Front>(
                               options.rocketmq5,
                               ClientBroker{options.identity, options.limits,
                                            absl::InfinitePast(), core_.table(),
                                            core_.processor(), counters_},
                               &core_.policy(), &calls_,
                               [this] { return server_.address(); },
                               [this] {
                                 return registrar_ == nullptr
                                            ? nullptr
                                            : registrar_->cluster();
                               },
                               &identified_streams_, timer_.Listener())
                         : nullptr),
        admin_({options.limits, core_.table(), core_.policy(),
                options.notifier.enabled, *clock, core_.kicker(), calls_.rates,
                &core_.drain(), &drain_followers_, &core_.watches(),
                options.identity.incarnation, &audit_, &calls_.connections,
                rocketmq_v2_.get(), rocketmq_v2_.get(), &reloader_,
                options.server.admin_address.empty() ? nullptr
                                                     : &calls_.connections,
                MakeBrokerFacts(options.identity, options.server, options.table,
                                options.auth, clock->TimeNow(),
                                options.effective_settle(),
                                &counters_.skipped_groups,
                                {[this] { return server_.addresses(); },
                                 [this] { return CertificateNotAfter(); },
                                 [this] { return Registration(); }})},
               &calls_),
        housekeeping_(&core_.housekeeping()),
        pushes_(&core_.notifier(), &core_.table()),
        memory_trim_task_(options.housekeeping.period, clock->TimeNow(),
                          [this](absl::Time now) { memory_trim_.Look(now); }),
        server_(options.server, &calls_, Fronts(), tls_.get()),
        reloader_(&RealClock()),
        registrar_(options.registrar.is_on()
                       ? std::make_unique<Registrar>(
                             options.registrar,
                             RegistrarEnvironment(options,
                                                  std::move(is_to_stop), clock))
                       : nullptr),
        exposer_(options.metrics_address, metrics_),
        drain_effects_(
            &audit_,
            [this](bool serving) {
              server_.SetServing(serving);
              if (registrar_ != nullptr) registrar_->SetServing(serving);
            },
            [this] { drain_followers_.WakeAll(); },
            [this](size_t max, absl::Time now) {
              return client_manager_.EndUnheardStreams(max, now);
            }) {
    if (tls_ != nullptr) {
      reloader_.Add({"tls", tls_->paths(), [this] { return tls_->Reload(); }});
    }
    if (rules_ != nullptr) {
      reloader_.Add({"auth", {options.auth.file}, [this] {
                       absl::Status loaded = rules_->Load();
                       if (loaded.ok()) {
                         identified_streams_.NoteNewRules(clock_.TimeNow());
                       }
                       return loaded;
                     }});
    }
    core_.drain().set_listener(&drain_effects_);
    calls_.gate.set_client_check([this](absl::Time now) {
      const absl::optional<ChannelEnd> away = core_.drain().TurnAway(now);
      return away.has_value() ? EndStatus(*away) : CallStatus();
    });
    timer_.Add(&housekeeping_);
    timer_.Add(&core_.drain());
    timer_.Add(&core_.kicker());
    timer_.Add(&memory_trim_task_);
    // After housekeeping, so that the changes of a pass are pushed together.
    timer_.Add(&pushes_);
    timer_.Add(&core_.watches());
    timer_.Add(&audit_);
    timer_.Add(&calls_.slow_readers);
    timer_.Add(&calls_.unfinished);
    timer_.Add(&client_manager_.unheard_streams());
    timer_.Add(&identified_streams_);
    if (rocketmq_v2_ != nullptr) timer_.Add(&rocketmq_v2_->due_calls());
  }

  ~Impl() { Shutdown(absl::ZeroDuration()); }

  absl::Status Start() {
    if (rules_ != nullptr) {
      const absl::Status loaded = rules_->Load();
      if (!loaded.ok()) return loaded;
    }
    for (Part* const part : parts_) {
      const absl::Status started = part->Start();
      if (!started.ok()) return started;
    }
    return absl::OkStatus();
  }

  void Shutdown(absl::Duration timeout) {
    if (is_shut_down_.exchange(true)) return;
    const absl::Time stop_by = RealClock().TimeNow() + timeout;
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      (*part)->BeginDrain();
    }
    DrainClients(timeout / 2);
    for (Part* const part : parts_) {
      part->Stop(
          std::max(stop_by - RealClock().TimeNow(), absl::ZeroDuration()));
    }
  }

  Drain& drain() { return core_.drain(); }
  void ReloadFiles() { reloader_.ReloadNow(); }
  const GrpcServer& server() const { return server_; }
  const std::string& metrics_address() const { return exposer_.address(); }

 private:
  // Tells the clients to go, in `longest` at most. By real time, whatever the
  // broker's clock is, as all of a stop.
  void DrainClients(absl::Duration longest) {
    const absl::Time began = clock_.TimeNow();
    const absl::Time real_began = RealClock().TimeNow();
    Drain& drain = core_.drain();
    drain.BeginLast(longest, began);
    Alarm pause;
    for (absl::Duration passed; passed < longest;
         passed = RealClock().TimeNow() - real_began) {
      drain.Run(began + passed);
      if (drain.progress().state == DrainState::kDrained) return;
      const absl::Time next =
          real_began + std::clamp(drain.NextDue() - began,
                                  passed + BackgroundTimer::kShortestRest,
                                  passed + BackgroundTimer::kLongestRest);
      pause.Await(&RealClock(), next, next);
    }
  }

  std::vector<Front*> Fronts() {
    std::vector<Front*> fronts = {&client_manager_, &admin_};
    if (rocketmq_v2_ != nullptr) fronts.push_back(rocketmq_v2_.get());
    return fronts;
  }

  std::vector<Part*> Parts() {
    std::vector<Part*> parts = {&server_, &timer_, &reloader_};
    // After what listens, whose addresses it tells.
    if (registrar_ != nullptr) parts.push_back(registrar_.get());
    parts.push_back(&exposer_);
    return parts;
  }

  // By real time, as etcd's leases are.
  Registrar::Environment RegistrarEnvironment(const Options& options,
                                              std::function<bool()> is_to_stop,
                                              Clock* clock) {
    const absl::Time since = clock->ClockToWall(clock->TimeNow());
    return Registrar::OverEtcd(
        options.registrar,
        [this, options, since] {
          ServedFacts served = {server_.addresses(), {}, since};
          for (Front* const front : Fronts()) {
            served.fronts.push_back(front->service_name());
          }
          return MakeDiscoveryEntry(options.identity, options.server,
                                    options.rocketmq5.AdvertisedAddresses(),
                                    std::move(served));
        },
        [this](bool is_registered) {
          server_.SetHealthDetail(Registrar::kHealthDetail, is_registered);
        },
        std::move(is_to_stop), /*lists_cluster=*/rocketmq_v2_ != nullptr,
        &RealClock());
  }

  absl::optional<RegistrationState> Registration() const {
    if (registrar_ == nullptr) return absl::nullopt;
    return registrar_->state();
  }

  absl::optional<absl::Time> CertificateNotAfter() const {
    return tls_ == nullptr ? absl::nullopt
                           : absl::make_optional(tls_->not_after());
  }

  Clock& clock_;
  const std::unique_ptr<ServerTlsCredentials> tls_;
  EdgeCounters counters_;
  // By the options; null: there are none.
  const std::unique_ptr<RulesAuthorizer> rules_;
  // Without them.
  const std::unique_ptr<Authorizer> authorizer_;
  ClientEventLogger logger_;
  BackgroundTimer timer_;
  AuditLog audit_;
  // Shared with the exposer, which asks for it so.
  const std::shared_ptr<ClientManagerMetrics> metrics_;
  BrokerCore core_;
  ServerCalls calls_;
  IdentifiedStreams identified_streams_;
  ClientManagerFront client_manager_;
  // Null if the protocol is not served.
  const std::unique_ptr<RocketmqV2Front> rocketmq_v2_;
  DrainFollowers drain_followers_;
  AdminFront admin_;

  // The timer's tasks, besides the watches of calls.
  HousekeepingTask housekeeping_;
  PushTask pushes_;
  MemoryTrim memory_trim_{&UnusedMemory, [] { malloc_trim(0); }};
  PeriodicTask memory_trim_task_;

  GrpcServer server_;
  FileReloader reloader_;
  // Null if there is no entry in discovery.
  const std::unique_ptr<Registrar> registrar_;
  MetricsPart exposer_;
  DrainEffects drain_effects_;
  // See Part for the order.
  const std::vector<Part*> parts_ = Parts();
  std::atomic<bool> is_shut_down_{false};
};

absl::StatusOr<std::unique_ptr<BrokerController>> BrokerController::Start(
    const Options& options, Clock* clock,
    std::unique_ptr<Authorizer> authorizer, std::function<bool()> is_to_stop) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  std::unique_ptr<ServerTlsCredentials> tls;
  if (options.server.tls.is_on()) {
    // By real dates, whatever the broker's clock is.
    auto created =
        ServerTlsCredentials::Create(options.server.tls, &RealClock());
    if (!created.ok()) return created.status();
    tls = *std::move(created);
  }
  auto impl = std::make_unique<Impl>(options, clock, std::move(authorizer),
                                     std::move(tls), std::move(is_to_stop));
  status = impl->Start();
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
const std::vector<std::string>& BrokerController::addresses() const {
  return impl_->server().addresses();
}
int BrokerController::port() const { return impl_->server().port(); }
const std::string& BrokerController::metrics_address() const {
  return impl_->metrics_address();
}
void BrokerController::ReloadFiles() { impl_->ReloadFiles(); }
Drain& BrokerController::drain() { return impl_->drain(); }
void BrokerController::Shutdown(absl::Duration timeout) {
  impl_->Shutdown(timeout);
}

}  // namespace rmq
