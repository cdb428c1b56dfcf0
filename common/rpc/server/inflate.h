// Compressed messages, taken apart no further than a limit.
//
// gRPC would inflate a message before it looks at its size, and 1 MB can be
// 1,000 of them.
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

// What zlib takes apart.
enum class ZlibFormat {
  kGzip,     // RFC 1952, as the encoding "gzip".
  kDeflate,  // RFC 1950, as the encoding "deflate".
};

// Sets `inflated` to what `compressed` was made of, and takes no more memory
// than twice `max_bytes` for it. ResourceExhausted if that is more than
// `max_bytes`: then `inflated` is its beginning, of that length.
// InvalidArgument if `compressed` is not one whole piece of the format: it is
// corrupted, cut off, or something follows, be it a second piece. Nothing is
// not a piece either. `inflated` is then what came of it until that was seen.
absl::Status Inflate(ZlibFormat format, absl::string_view compressed,
                     size_t max_bytes, std::string* inflated);

// Whether `message`, the last that `call` has received, is compressed. gRPC's
// own decompression must be off. A look at two fields: nearly all messages are
// not.
bool IsCompressed(const grpc::ByteBuffer& message, grpc_call* call);

// Replaces a compressed `message` by what it was made of. Nothing at all,
// marked as compressed, is an empty message, as gRPC has it. RESOURCE_EXHAUSTED
// if it is more than `max_bytes`, which names it `what`: `message` is then its
// beginning. INVALID_ARGUMENT if it cannot be read, UNIMPLEMENTED for encodings
// other than gzip and deflate: `message` is empty then. `work` is how many
// bytes were inflated, whatever came of them.
CallStatus InflateMessage(absl::string_view what, size_t max_bytes,
                          grpc::ByteBuffer* message, size_t* work);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_INFLATE_H_
