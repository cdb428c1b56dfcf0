#include "broker/policy/admission.h"

#include <string>

namespace rmq {

Admission::Admission(const HeartbeatStatement& statement,
                     absl::string_view remote_address, GroupPolicy* policy)
    : statement_(statement), policy_(*policy) {
  const GroupPolicy::Client client = {statement.principal.pays_as(),
                                      remote_address};
  for (const ConsumerStatement& consumer : statement.consumers) {
    if (!consumer.refusal.empty()) {
      passed_over_.push_back({consumer.group, GroupKind::kConsumer,
                              SkipReason::kPermissionDenied, /*is_news=*/false,
                              std::string(consumer.refusal)});
      continue;
    }
    const GroupPolicy::Verdict verdict =
        policy_.AdmitConsumer(consumer, client);
    if (verdict.skip.has_value()) {
      passed_over_.push_back(
          {consumer.group, GroupKind::kConsumer, *verdict.skip});
      continue;
    }
    consumers_.push_back(
        {&consumer, verdict.notify_consumer_ids_changed, verdict.consistency});
    if (verdict.pinned != nullptr) pinned_.push_back(verdict.pinned);
  }
}

Admission::~Admission() { policy_.Unpin(pinned_); }

AdmittedStatement Admission::admitted() const {
  return {&statement_, consumers_, policy_.options().enable_register_producer};
}

}  // namespace rmq
