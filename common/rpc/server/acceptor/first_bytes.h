// What protocol a connection speaks, by the bytes that its client sends first.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_FIRST_BYTES_H_
#define COMMON_RPC_SERVER_ACCEPTOR_FIRST_BYTES_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace rmq {

enum class Protocol {
  kUnknownYet,  // More bytes are needed.
  kHttp2,       // The whole preface has come.
  kTls,
  kHttp1,
  kOther,
};

// As many bytes are never kUnknownYet.
inline constexpr size_t kMostFirstBytes = 24;

// The protocol of a connection whose first bytes are `bytes`, which may be
// fewer or more than kMostFirstBytes.
Protocol ProtocolOf(absl::string_view bytes);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_FIRST_BYTES_H_
