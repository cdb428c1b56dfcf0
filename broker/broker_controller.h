// The broker: builds its parts, owns them, starts and stops them.
#ifndef BROKER_BROKER_CONTROLLER_H_
#define BROKER_BROKER_CONTROLLER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/auth_options.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"
#include "broker/housekeeping/drain.h"
#include "broker/registrar/registrar_options.h"
#include "broker/server/server_options.h"
#include "common/clock.h"
#include "common/rpc/server/authorizer.h"
#include "common/validation.h"

namespace rmq {

// Thread-safe. Reference: BrokerController.java, as far as clients are
// concerned.
class BrokerController {
 public:
  // The core's options and the edge's.
  struct Options : BrokerCore::Options {
    BrokerIdentity identity;
    Limits limits;
    ServerOptions server;
    // Time after the start in which lists of members and pushes say that
    // members may not have come back yet. None: a quarter of the channel
    // expiry, which is the interval at which clients heartbeat.
    absl::optional<absl::Duration> settle;
    // "host:port" to serve metrics on, at /metrics, as Prometheus scrapes them;
    // port 0 lets the system choose. Empty: none. Bound by the rule below too.
    std::string metrics_address;
    // An address that other machines reach must have TLS, and its clients must
    // show who they are, by certificates or to the rules; the metrics address
    // has neither. This allows such addresses all the same.
    bool allow_insecure_remote = false;
    // Who calls, and who may what.
    AuthOptions auth;
    // RocketMQ 5's protocol.
    Rocketmq5Options rocketmq5;
    // The broker's entry in discovery.
    RegistrarOptions registrar;
    // How long a graceful stop may take.
    absl::Duration drain_timeout = absl::Seconds(5);

    // InvalidArgument with what makes no sense, the first of each part on a
    // line that names the field.
    absl::Status Validate() const;

    absl::Duration effective_settle() const;
  };

  // Starts the broker. Metrics that cannot be served, as when two brokers have
  // the same metrics address, are a warning and no error: clients come first.
  // `clock` is borrowed. `authorizer` may be null: `options.auth` says who may
  // what. InvalidArgument for options that do not validate; FailedPrecondition
  // if files of TLS are wrong; the error of ReadAuthFile() if that of rules is;
  // Unavailable if an address cannot be listened on; AlreadyExists if another
  // broker is registered under the same name and id. The start waits for the
  // answers of etcd and, while the name is taken, for a lease: no longer once
  // `is_to_stop` says that the broker is to stop; it starts then, to be shut
  // down.
  static absl::StatusOr<std::unique_ptr<BrokerController>> Start(
      const Options& options, Clock* clock,
      std::unique_ptr<Authorizer> authorizer = nullptr,
      std::function<bool()> is_to_stop = [] { return false; });

  // Stops at once if that has not been done.
  ~BrokerController();
  BrokerController(const BrokerController&) = delete;
  BrokerController& operator=(const BrokerController&) = delete;

  // Where it listens, with the port that was chosen; the first address, if
  // there are several. Stays the same after Shutdown(), as does
  // metrics_address().
  const std::string& address() const;
  const std::vector<std::string>& addresses() const;
  int port() const;
  // Where metrics are served; empty if they are not.
  const std::string& metrics_address() const;

  // Has the files of rules and certificates read again. Does not block.
  void ReloadFiles();

  // The drain of the broker: operators begin and cancel it.
  Drain& drain();

  // Stops the broker in `timeout` at most. Tells the clients to go one after
  // the other, in the first half of that time, and at least 100 a second; goes
  // on as soon as the last client was told. Then as GrpcServer::Stop().
  void Shutdown(absl::Duration timeout);

 private:
  class Impl;
  explicit BrokerController(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // BROKER_BROKER_CONTROLLER_H_
