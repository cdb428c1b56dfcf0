// The policy's answer to one full heartbeat.
#ifndef BROKER_POLICY_ADMISSION_H_
#define BROKER_POLICY_ADMISSION_H_

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/policy/group_configs.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/statement.h"

namespace rmq {

// Asks the policy about each consumer group of a statement that the client may
// be in. The automatic
// config of an admitted group is pinned until the Admission is destroyed, so it
// cannot be dropped between its admission and the group's registration: the
// caller registers the groups first. From then on the group's members keep the
// config.
//
// Not thread-safe: lives on the stack of the call that applies the heartbeat.
// Borrows the statement and the policy.
// Reference: ClientManageProcessor#heartBeat.
class Admission {
 public:
  // `remote_address`: of the client that states it.
  Admission(const HeartbeatStatement& statement,
            absl::string_view remote_address, GroupPolicy* policy);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // What the table applies. Valid as long as this object.
  AdmittedStatement admitted() const;

  // The consumer groups that are not admitted.
  absl::Span<const PassedOverGroup> passed_over() const { return passed_over_; }

 private:
  const HeartbeatStatement& statement_;
  GroupPolicy& policy_;
  absl::InlinedVector<AdmittedConsumer, 4> consumers_;
  absl::InlinedVector<PassedOverGroup, 1> passed_over_;
  absl::InlinedVector<GroupConfigs::Entry*, 4> pinned_;
};

}  // namespace rmq

#endif  // BROKER_POLICY_ADMISSION_H_
