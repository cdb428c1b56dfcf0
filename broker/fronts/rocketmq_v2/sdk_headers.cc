#include "broker/fronts/rocketmq_v2/sdk_headers.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"

namespace rmq {
namespace {

struct KnownLanguage {
  absl::string_view name;
  LanguageCode language;
};

// As the SDKs write themselves.
constexpr KnownLanguage kLanguages[] = {
    {"JAVA", LanguageCode::kJava},     {"CPP", LanguageCode::kCpp},
    {"DOTNET", LanguageCode::kDotnet}, {"PYTHON", LanguageCode::kPython},
    {"GO", LanguageCode::kGo},         {"RUST", LanguageCode::kRust},
    {"PHP", LanguageCode::kPhp},       {"HTTP", LanguageCode::kHttp},
    {"RUBY", LanguageCode::kRuby},
};

LanguageCode LanguageOf(absl::string_view name) {
  if (name.empty()) return LanguageCode::kUnspecified;
  for (const KnownLanguage& known : kLanguages) {
    if (known.name == name) return known.language;
  }
  return LanguageCode::kOther;
}

// Takes the digits that `text` begins with. -1 if there are none, or too many.
int32_t TakeNumber(absl::string_view* text) {
  size_t length = 0;
  int32_t number = 0;
  while (length < text->size() && absl::ascii_isdigit((*text)[length])) {
    if (length == 4) return -1;
    number = number * 10 + ((*text)[length++] - '0');
  }
  text->remove_prefix(length);
  return length == 0 ? -1 : number;
}

}  // namespace

CallStatus ReadHeaders(const MetadataView& metadata, const Limits& limits,
                       SdkHeaders* headers) {
  headers->client_id =
      absl::StripAsciiWhitespace(metadata.Find("x-mq-client-id").value_or(""));
  const absl::Status form =
      ValidateClientId("x-mq-client-id", headers->client_id, limits);
  if (!form.ok()) {
    return SdkError(v2::CLIENT_ID_REQUIRED, std::string(form.message()));
  }
  headers->language = LanguageOf(metadata.Find("x-mq-language").value_or(""));
  headers->version = metadata.Find("x-mq-client-version").value_or("");
  return {};
}

int32_t VersionNumber(absl::string_view text) {
  constexpr int32_t kMostOfPart = 99;
  const int32_t major = TakeNumber(&text);
  if (major < 0 || text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  const int32_t minor = TakeNumber(&text);
  if (minor < 0) return 0;
  int32_t patch = 0;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    patch = std::max(TakeNumber(&text), 0);
  }
  return major * 10000 + std::min(minor, kMostOfPart) * 100 +
         std::min(patch, kMostOfPart);
}

}  // namespace rmq
