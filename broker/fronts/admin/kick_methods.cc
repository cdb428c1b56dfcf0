#include "broker/fronts/admin/kick_methods.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/client_criteria.h"
#include "broker/fronts/admin/write_audit.h"
#include "broker/fronts/proto_time.h"
#include "broker/processor/client_kicker.h"
#include "broker/registry/channel_filter.h"
#include "common/kv.h"
#include "common/validation.h"

namespace rmq {
namespace {

using Request = pb::KickClientsRequest;

constexpr size_t kMostReasonBytes = 256;
constexpr int32_t kMostNanos = 999'999'999;

absl::Status CheckReason(const std::string& reason) {
  if (reason.size() > kMostReasonBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("reason must be at most ", kMostReasonBytes,
                     " bytes, got ", reason.size()));
  }
  if (!IsPlainText(reason)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "reason must be without control characters, got ", Quoted(reason)));
  }
  return absl::OkStatus();
}

// None if it is not set.
absl::StatusOr<absl::optional<absl::Duration>> ParseRetryAfter(
    const Request& request) {
  absl::optional<absl::Duration> retry_after;
  if (!request.has_retry_after()) return retry_after;
  retry_after = ToDuration(request.retry_after());
  const int32_t nanos = request.retry_after().nanos();
  if (nanos < 0 || nanos > kMostNanos || *retry_after < absl::ZeroDuration() ||
      *retry_after > ClientKicker::kLongestHold) {
    return absl::InvalidArgumentError(
        absl::StrCat("retry_after must be 0 to ",
                     absl::FormatDuration(ClientKicker::kLongestHold), ", got ",
                     absl::FormatDuration(*retry_after)));
  }
  return retry_after;
}

absl::Status CheckScope(const ChannelFilter& filter, bool all) {
  if (all && !filter.is_empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "all must not be set beside a criterion, got", Describe(filter)));
  }
  if (!all && filter.is_empty()) {
    return absl::InvalidArgumentError(
        "at least one of client_id, group, remote_address, labels, language "
        "and version must be set; all takes out everybody");
  }
  return absl::OkStatus();
}

CallStatus KickClients(const AdminCall& call, const Request& request,
                       pb::KickClientsResponse* response) {
  const absl::StatusOr<ChannelFilter> filter =
      ParseCriteria(request, call.broker.limits);
  if (!filter.ok()) return FromStatus(filter.status());
  const absl::StatusOr<absl::optional<absl::Duration>> retry_after =
      ParseRetryAfter(request);
  if (!retry_after.ok()) return FromStatus(retry_after.status());
  absl::Status form = CheckReason(request.reason());
  if (!form.ok()) return FromStatus(form);
  form = CheckScope(*filter, request.all());
  if (!form.ok()) return FromStatus(form);

  const absl::StatusOr<size_t> kicked = call.broker.kicker.Kick(
      *filter, *retry_after, request.reason(), call.context.now);
  if (!kicked.ok()) return FromStatus(kicked.status());
  response->set_kicked(static_cast<int64_t>(*kicked));
  // Who took whom out is to be found afterwards.
  WriteAudit(
      call, "kicked", /*changes=*/*kicked > 0, static_cast<int64_t>(*kicked),
      absl::StrCat(Kv("kicked", *kicked),
                   request.all() ? Kv("all", "true") : Describe(*filter),
                   Kv("hold", absl::FormatDuration(retry_after->value_or(
                                  call.broker.kicker.options().kick_hold))),
                   Kv("reason", request.reason())));
  return {};
}

CallStatus ReleaseClients(const AdminCall& call,
                          const pb::ReleaseClientsRequest& request,
                          pb::ReleaseClientsResponse* response) {
  const std::string& client_id = request.client_id();
  if (request.all() != client_id.empty()) {
    return BadForm(absl::StrCat(
        "either client_id or all must be set, got client_id ",
        Quoted(client_id), " and all ", request.all() ? "true" : "false"));
  }
  if (!request.all()) {
    const absl::Status form =
        ValidateClientId("client_id", client_id, call.broker.limits);
    if (!form.ok()) return FromStatus(form);
  }
  const size_t released =
      call.broker.kicker.Release(client_id, call.context.now);
  response->set_released(static_cast<int64_t>(released));
  WriteAudit(call, "released", /*changes=*/released > 0, /*channels=*/0,
             absl::StrCat(Kv("released", released),
                          request.all() ? Kv("all", "true")
                                        : Kv("client_id", client_id)));
  return {};
}

}  // namespace

AdminMethods KickMethods() {
  return {MethodOf(KickClients), MethodOf(ReleaseClients)};
}

}  // namespace rmq
