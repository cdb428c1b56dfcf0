#include "broker/fronts/client_id_holder.h"

#include "broker/processor/client_manage_processor.h"

namespace rmq {

CallStatus CheckHolder(const ClientIdClaim& claim, const ClientTable& table,
                       DenialLog* denials) {
  if (!table.IsHeldByAnother(claim.client_id, claim.principal.name)) return {};
  NoteOfAnother(claim, denials);
  if (claim.principal.is_trial) return {};
  return ClientIdOfAnother(claim.client_id);
}

void NoteOfAnother(const ClientIdClaim& claim, DenialLog* denials) {
  Denial denial = {DenialReason::kOfAnother,
                   claim.principal.name,
                   claim.client_id,
                   "",
                   claim.address,
                   claim.method};
  denial.is_trial = claim.principal.is_trial;
  denials->Note(denial, claim.now);
}

}  // namespace rmq
