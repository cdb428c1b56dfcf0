// Whether and how a broker registers in discovery.
#ifndef BROKER_REGISTRAR_REGISTRAR_OPTIONS_H_
#define BROKER_REGISTRAR_REGISTRAR_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_options.h"

namespace rmq {

struct RegistrarOptions {
  // Members of the etcd cluster, "host:port" with commas between. Empty: the
  // broker does not register.
  std::string etcd;
  // The keys of all brokers begin with it.
  std::string etcd_prefix = kDiscoveryPrefix;
  // For how long the entry stays when the broker is gone: 2 s to 10 min, in
  // whole seconds.
  absl::Duration etcd_lease = absl::Seconds(10);
  // TLS to etcd; also on if one of the next four is given. See TlsOptions.
  bool etcd_tls = false;
  std::string etcd_tls_ca;
  std::string etcd_tls_cert;
  std::string etcd_tls_key;
  std::string etcd_tls_server_name;
  // See EtcdOptions.
  std::string etcd_user;
  std::string etcd_password_file;

  bool is_on() const { return !etcd.empty(); }
  EtcdOptions Etcd() const;

  // InvalidArgument naming the option that makes no sense. Without `etcd` the
  // others are not looked at. `allow_insecure`: a password may go to other
  // machines without TLS.
  absl::Status Validate(bool allow_insecure) const;

  // Reads the files of TLS and of the password, at the wall clock's `now`.
  // Returns what is wrong with one, naming the option and the file.
  absl::Status CheckFiles(absl::Time now) const;
};

// The error, with the fields of TlsOptions by the names of RegistrarOptions.
absl::Status BySettings(const absl::Status& error);

}  // namespace rmq

#endif  // BROKER_REGISTRAR_REGISTRAR_OPTIONS_H_
