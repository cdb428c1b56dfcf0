// How each check of doctor_checks.h finds what is wrong.
#ifndef TOOLS_CMCTL_DOCTOR_FINDERS_H_
#define TOOLS_CMCTL_DOCTOR_FINDERS_H_

#include <string>
#include <vector>

#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/broker_view.h"

namespace rmq::cmctl {

// What is read of a broker to find what is wrong with it.
struct Patient {
  BrokerView view;
  rocketmq::clientmanager::v1::GetPolicyResponse policy;
  // Client ids that several processes use: the first of them, by id.
  std::vector<rocketmq::clientmanager::v1::DuplicateClientId> duplicates;
  // There are more.
  bool has_more_duplicates = false;
  // Consumer groups whose members state different subscriptions.
  std::vector<std::string> inconsistent_groups;
};
using Patients = std::vector<Patient>;

enum class Severity {
  kNote,     // May be meant so.
  kWarning,  // Will do harm, or already does some.
  kError,    // Does harm now.
};

// What a check has found.
struct Hit {
  // The broker's label; empty: it is about several.
  std::string broker;
  std::string what;
  Severity severity;
};
using Hits = std::vector<Hit>;

// All patients have been read.
Hits FindPlaintext(const Patients& patients);
Hits FindAnonymous(const Patients& patients);
Hits FindAuthLog(const Patients& patients);
Hits FindCertificate(const Patients& patients);
Hits FindSettling(const Patients& patients);
Hits FindDraining(const Patients& patients);
Hits FindSubscriptions(const Patients& patients);
Hits FindDuplicates(const Patients& patients);
Hits FindSomeBrokersOnly(const Patients& patients);
Hits FindVersions(const Patients& patients);
Hits FindClusters(const Patients& patients);
Hits FindIdentity(const Patients& patients);
Hits FindClocks(const Patients& patients);
Hits FindFull(const Patients& patients);
Hits FindRefused(const Patients& patients);
Hits FindExpiry(const Patients& patients);
Hits FindExpiryBounds(const Patients& patients);
Hits FindNoAutoCreate(const Patients& patients);
Hits FindPassedOver(const Patients& patients);
Hits FindNotTold(const Patients& patients);
Hits FindNotInEtcd(const Patients& patients);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_DOCTOR_FINDERS_H_
