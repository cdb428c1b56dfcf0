// The flags of the broker's entry in discovery.

#include <string>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "broker/config/flag_updates.h"

ABSL_FLAG(
    std::string, etcd, rmq::FlagDefaults().registrar.etcd,
    "host:port of etcd's members, with commas between. The broker registers "
    "there, so that clients find it by etcd:///CLUSTER. Empty: it does not")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd"); });
ABSL_FLAG(std::string, etcd_prefix, rmq::FlagDefaults().registrar.etcd_prefix,
          "what the keys of all brokers in etcd begin with")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_prefix"); });
ABSL_FLAG(absl::Duration, etcd_lease, rmq::FlagDefaults().registrar.etcd_lease,
          "how long the broker's entry stays in etcd when the broker is gone; "
          "2s to 10m")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_lease"); });
ABSL_FLAG(bool, etcd_tls, rmq::FlagDefaults().registrar.etcd_tls,
          "TLS to etcd, by the authorities that the system trusts; also on if "
          "one of --etcd_tls_* is given")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_tls"); });
ABSL_FLAG(
    std::string, etcd_tls_ca, rmq::FlagDefaults().registrar.etcd_tls_ca,
    "file of the authorities that etcd's certificate must be from, in PEM")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_tls_ca"); });
ABSL_FLAG(std::string, etcd_tls_cert,
          rmq::FlagDefaults().registrar.etcd_tls_cert,
          "file of the certificate that the broker shows etcd, in PEM")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_tls_cert"); });
ABSL_FLAG(std::string, etcd_tls_key, rmq::FlagDefaults().registrar.etcd_tls_key,
          "file of its private key")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_tls_key"); });
ABSL_FLAG(
    std::string, etcd_tls_server_name,
    rmq::FlagDefaults().registrar.etcd_tls_server_name,
    "the name that etcd's certificate must have; empty: the endpoint's host")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_tls_server_name"); });
ABSL_FLAG(std::string, etcd_user, rmq::FlagDefaults().registrar.etcd_user,
          "user of etcd's authentication; empty: none")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_user"); });
ABSL_FLAG(std::string, etcd_password_file,
          rmq::FlagDefaults().registrar.etcd_password_file,
          "file of the user's password, which its owner alone may read")
    .OnUpdate([] { rmq::NoteFlagUpdate("etcd_password_file"); });
