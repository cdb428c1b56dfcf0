// The rules for what a client is told about TLS and credentials.
#ifndef COMMON_SECURITY_CLIENT_SECURITY_H_
#define COMMON_SECURITY_CLIENT_SECURITY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq {

// The names of the options, as errors tell them.
struct ClientSecurityNames {
  std::string tls = "tls";
  std::string allow_insecure_credentials = "allow_insecure_credentials";
};

// InvalidArgument if `tls` or `credentials` do not validate, or if credentials
// would go beyond this machine in plain text and that is not allowed: who
// listens on the way could use them ever after. `brokers` are "host:port" each;
// `brokers_may_come` means that nobody knows them all before.
absl::Status ValidateClientSecurity(
    const absl::optional<TlsOptions>& tls,
    const absl::optional<Credentials>& credentials,
    bool allow_insecure_credentials, const std::vector<std::string>& brokers,
    bool brokers_may_come = false, const ClientSecurityNames& names = {});

// TLS as the flags of a program give it: each empty if it is not given; without
// any of them there is none. kSystemAuthorities as `ca_file`: those that the
// system trusts.
absl::optional<TlsOptions> TlsOfFlags(const std::string& ca_file,
                                      const std::string& cert_file,
                                      const std::string& key_file,
                                      const std::string& server_name);
inline constexpr char kSystemAuthorities[] = "system";

}  // namespace rmq

#endif  // COMMON_SECURITY_CLIENT_SECURITY_H_
