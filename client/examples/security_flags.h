// The examples' flags of TLS and credentials: --tls_ca, --tls_cert, --tls_key,
// --tls_server_name and --credentials_file.
#ifndef CLIENT_EXAMPLES_SECURITY_FLAGS_H_
#define CLIENT_EXAMPLES_SECURITY_FLAGS_H_

#include "absl/types/optional.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq::examples {

// As the flags say; nothing if they say nothing.
absl::optional<TlsOptions> TlsOfFlags();
absl::optional<Credentials> CredentialsOfFlags();

}  // namespace rmq::examples

#endif  // CLIENT_EXAMPLES_SECURITY_FLAGS_H_
