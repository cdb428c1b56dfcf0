// How a broker that a source lists is called.
#ifndef TOOLS_CMCTL_BROKER_LABEL_H_
#define TOOLS_CMCTL_BROKER_LABEL_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "client/broker_entry.h"

namespace rmq::cmctl {

// "broker-a:0" for one that is known by name, else the address.
inline std::string BrokerLabel(const BrokerEntry& broker) {
  return broker.name.empty() ? broker.address
                             : absl::StrCat(broker.name, ":", broker.id);
}

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_BROKER_LABEL_H_
