// Inflates compressed messages, up to a limit.
//
// gRPC itself inflates a message before it checks its size, and 1 MB can
// inflate to 1,000 MB.
#ifndef COMMON_RPC_SERVER_INFLATE_H_
#define COMMON_RPC_SERVER_INFLATE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/response_code.h"
#include "grpc/grpc.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// The formats that zlib inflates.
enum class ZlibFormat {
  kGzip,     // RFC 1952, as the encoding "gzip".
  kDeflate,  // RFC 1950, as the encoding "deflate".
};

// Inflates `compressed` into `inflated`, and allocates at most twice
// `max_bytes` for it. Returns ResourceExhausted if the result has more than
// `max_bytes` bytes; `inflated` is then its first `max_bytes` bytes. Returns
// InvalidArgument if `compressed` is not exactly one stream of the format: it
// is empty, corrupted or cut off, or anything (a second stream, too) follows;
// `inflated` is then what was inflated before the error.
absl::Status Inflate(ZlibFormat format, absl::string_view compressed,
                     size_t max_bytes, std::string* inflated);

// Returns whether `message`, the last that `call` has received, is compressed.
// gRPC's own decompression must be off. Reads two fields, so that messages that
// are not compressed, nearly all, cost little.
bool IsCompressed(const grpc::ByteBuffer& message, grpc_call* call);

// Inflates a compressed `message` in place. A message of no bytes that is
// marked as compressed is an empty message, as in gRPC. Returns
// RESOURCE_EXHAUSTED if the result has more than `max_bytes` bytes; `message`
// is then its beginning. Returns INVALID_ARGUMENT if `message` cannot be
// inflated, UNIMPLEMENTED for an encoding other than gzip and deflate;
// `message` is then empty. Errors call the message `what`. Sets `work` to the
// number of bytes that were inflated, also in case of an error.
CallStatus InflateMessage(absl::string_view what, size_t max_bytes,
                          grpc::ByteBuffer* message, size_t* work);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_INFLATE_H_
