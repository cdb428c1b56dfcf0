// RocketMQ's numbers of a broker's answers, as far as the client manager gives
// them, and the outcome of a call in both worlds: gRPC's and RocketMQ's.
#ifndef COMMON_RESPONSE_CODE_H_
#define COMMON_RESPONSE_CODE_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rmq {

// Reference: remoting/protocol/ResponseCode.java, RemotingSysResponseCode.java.
enum class ResponseCode {
  kSuccess = 0,
  kSystemError = 1,
  kSystemBusy = 2,
  kRequestCodeNotSupported = 3,
  kSubscriptionParseFailed = 23,
};

// The outcome of one call: the canonical code, RocketMQ's code that goes with
// it (the pairs stand in proto/README.md), and what is wrong in words. A value.
struct CallStatus {
  CallStatus() = default;
  CallStatus(absl::StatusCode code, ResponseCode response_code,
             std::string message)
      : code(code), response_code(response_code), message(std::move(message)) {}

  absl::StatusCode code = absl::StatusCode::kOk;
  ResponseCode response_code = ResponseCode::kSuccess;
  std::string message;
  // Of a stream or call that the broker itself ends: why, as "KICKED". Else
  // empty. The text lives for ever.
  absl::string_view end_reason;
  // How long the client should stay away. Zero: not said.
  absl::Duration retry_after = absl::ZeroDuration();

  bool ok() const { return code == absl::StatusCode::kOk; }
};

// Bad form: `message` names the field, the value and the rule.
inline CallStatus BadForm(std::string message) {
  return {absl::StatusCode::kInvalidArgument, ResponseCode::kSystemError,
          std::move(message)};
}

// A limit: trying again later may help.
inline CallStatus OverLimit(std::string message) {
  return {absl::StatusCode::kResourceExhausted, ResponseCode::kSystemBusy,
          std::move(message)};
}

// The limit of a message's size: `what` has `bytes` and must have at most
// `max_bytes`.
inline CallStatus OverSize(absl::string_view what, size_t bytes,
                           size_t max_bytes) {
  return OverLimit(absl::StrCat(what, " must be at most ", max_bytes,
                                " bytes, got ", bytes));
}

// A limit or bad form that a Status of common/validation.h tells.
inline CallStatus FromStatus(const absl::Status& status) {
  if (status.ok()) return {};
  return {status.code(),
          status.code() == absl::StatusCode::kResourceExhausted
              ? ResponseCode::kSystemBusy
              : ResponseCode::kSystemError,
          std::string(status.message())};
}

}  // namespace rmq

#endif  // COMMON_RESPONSE_CODE_H_
