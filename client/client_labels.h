// The labels that a client states.
#ifndef CLIENT_CLIENT_LABELS_H_
#define CLIENT_CLIENT_LABELS_H_

#include <map>
#include <string>

#include "client/client_options.h"

namespace rmq {

// `options.labels`, and those that `options` asks to add. The name of this host
// is left out if the system does not tell it. `options` must validate.
std::map<std::string, std::string> LabelsOf(const ClientOptions& options);

}  // namespace rmq

#endif  // CLIENT_CLIENT_LABELS_H_
