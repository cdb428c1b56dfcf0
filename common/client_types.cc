#include "common/client_types.h"

namespace rmq {

// No default cases: the compiler names a value that is left out.

absl::string_view Name(LanguageCode value) {
  switch (value) {
    case LanguageCode::kUnspecified: return "UNSPECIFIED";
    case LanguageCode::kJava: return "JAVA";
    case LanguageCode::kCpp: return "CPP";
    case LanguageCode::kDotnet: return "DOTNET";
    case LanguageCode::kPython: return "PYTHON";
    case LanguageCode::kDelphi: return "DELPHI";
    case LanguageCode::kErlang: return "ERLANG";
    case LanguageCode::kRuby: return "RUBY";
    case LanguageCode::kOther: return "OTHER";
    case LanguageCode::kHttp: return "HTTP";
    case LanguageCode::kGo: return "GO";
    case LanguageCode::kPhp: return "PHP";
    case LanguageCode::kOms: return "OMS";
    case LanguageCode::kRust: return "RUST";
    case LanguageCode::kNodeJs: return "NODE_JS";
  }
  return "?";
}

absl::string_view Name(ConsumeType value) {
  switch (value) {
    case ConsumeType::kUnspecified: return "UNSPECIFIED";
    case ConsumeType::kConsumeActively: return "CONSUME_ACTIVELY";
    case ConsumeType::kConsumePassively: return "CONSUME_PASSIVELY";
    case ConsumeType::kConsumePop: return "CONSUME_POP";
  }
  return "?";
}

absl::string_view Name(MessageModel value) {
  switch (value) {
    case MessageModel::kUnspecified: return "UNSPECIFIED";
    case MessageModel::kBroadcasting: return "BROADCASTING";
    case MessageModel::kClustering: return "CLUSTERING";
  }
  return "?";
}

absl::string_view Name(ConsumeFromWhere value) {
  switch (value) {
    case ConsumeFromWhere::kUnspecified: return "UNSPECIFIED";
    case ConsumeFromWhere::kLastOffset: return "CONSUME_FROM_LAST_OFFSET";
    case ConsumeFromWhere::kFirstOffset: return "CONSUME_FROM_FIRST_OFFSET";
    case ConsumeFromWhere::kTimestamp: return "CONSUME_FROM_TIMESTAMP";
  }
  return "?";
}

}  // namespace rmq
