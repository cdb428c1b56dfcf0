// What an SDK says of itself in the metadata of each of its calls.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_HEADERS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_HEADERS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "common/validation.h"

namespace rmq {

// Views of the call's metadata. A header that is missing is empty.
struct SdkHeaders {
  absl::string_view client_id;
  // kOther if the language is not known, kUnspecified if there is none.
  LanguageCode language = LanguageCode::kUnspecified;
  // As people write it: "5.2.0".
  absl::string_view version;
};

// Reads the headers. CLIENT_ID_REQUIRED if there is no client id, or one of bad
// form. Differs: the proxy fails a call of an unknown language.
CallStatus ReadHeaders(const MetadataView& metadata, const Limits& limits,
                       SdkHeaders* headers);

// The number of a version "a.b.c": a * 10000 + b * 100 + c, what follows c left
// aside, each of b and c at most 99. 0 if the text is no such version.
int32_t VersionNumber(absl::string_view text);

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_HEADERS_H_
