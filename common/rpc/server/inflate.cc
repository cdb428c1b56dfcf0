#include "common/rpc/server/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/rpc/server/byte_buffer_peer.h"
#include "grpc/grpc.h"
#include "grpcpp/support/slice.h"

// Returns the flags of the last message that a call has received. No header
// declares it, but the library of gRPC 1.51 has it. Nothing else shows that a
// message has an encoding that gRPC does not know; where the function is
// missing, such messages are refused as malformed.
__attribute__((weak)) uint32_t grpc_call_test_only_get_message_flags(
    grpc_call* call);

namespace rmq {
namespace {

// The size of the first buffer; each further one is twice as large.
constexpr size_t kFirstPiece = 4096;
// zlib's names for the formats: the largest window, and the kind of header.
constexpr int kZlibWindowBits = 15;
constexpr int kGzipWindowBits = kZlibWindowBits + 16;

grpc_compression_algorithm EncodingOf(const grpc::ByteBuffer& message) {
  return grpc::internal::GrpcByteBufferPeer::Encoding(message);
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

absl::Status Inflate(ZlibFormat format, absl::string_view compressed,
                     size_t max_bytes, std::string* inflated) {
  z_stream stream = {};
  // zlib's interface does not say const, but it only reads.
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  if (inflateInit2(&stream, format == ZlibFormat::kGzip
                                ? kGzipWindowBits
                                : kZlibWindowBits) != Z_OK) {
    return absl::ResourceExhaustedError("no memory to inflate it");
  }
  const auto end = absl::MakeCleanup([&stream] { inflateEnd(&stream); });

  // A byte beyond the limit shows that the result is too large.
  const size_t room = max_bytes + 1;
  size_t filled = 0;
  int result = Z_OK;
  while (result == Z_OK && filled < room) {
    inflated->resize(std::min(room, std::max(kFirstPiece, 2 * filled)));
    stream.next_out = reinterpret_cast<Bytef*>(&(*inflated)[filled]);
    stream.avail_out = static_cast<uInt>(inflated->size() - filled);
    result = inflate(&stream, Z_NO_FLUSH);
    filled = inflated->size() - stream.avail_out;
  }
  inflated->resize(std::min(filled, max_bytes));
  if (filled > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", max_bytes, " bytes"));
  }
  if (result != Z_STREAM_END) {
    return absl::InvalidArgumentError("corrupted, or cut off");
  }
  if (stream.avail_in > 0) {
    return absl::InvalidArgumentError("followed by something else");
  }
  return absl::OkStatus();
}

bool IsCompressed(const grpc::ByteBuffer& message, grpc_call* call) {
  constexpr uint32_t kCompressed =
      0x80000000u;  // GRPC_WRITE_INTERNAL_COMPRESS.
  return EncodingOf(message) != GRPC_COMPRESS_NONE ||
         (call != nullptr && grpc_call_test_only_get_message_flags != nullptr &&
          (grpc_call_test_only_get_message_flags(call) & kCompressed) != 0);
}

CallStatus InflateMessage(absl::string_view what, size_t max_bytes,
                          grpc::ByteBuffer* message, size_t* work) {
  *work = 0;
  absl::optional<ZlibFormat> format;
  switch (EncodingOf(*message)) {
    case GRPC_COMPRESS_GZIP: format = ZlibFormat::kGzip; break;
    case GRPC_COMPRESS_DEFLATE: format = ZlibFormat::kDeflate; break;
    default: break;
  }
  grpc::Slice compressed;
  const bool is_read = message->DumpToSingleSlice(&compressed).ok();
  message->Clear();
  if (!format.has_value()) {
    return {absl::StatusCode::kUnimplemented,
            ResponseCode::kRequestCodeNotSupported,
            absl::StrCat("the ", what,
                         " has an encoding other than gzip and deflate")};
  }
  std::string inflated;
  absl::Status status = absl::OkStatus();
  if (!is_read) {
    status = absl::InvalidArgumentError("not to be read");
  } else if (compressed.size() > 0) {
    status = Inflate(
        *format,
        {reinterpret_cast<const char*>(compressed.begin()), compressed.size()},
        max_bytes, &inflated);
  }
  *work = inflated.size();
  *message = BufferOf(inflated);
  switch (status.code()) {
    case absl::StatusCode::kOk: return {};
    case absl::StatusCode::kResourceExhausted:
      return OverLimit(absl::StrCat(what, " must be at most ", max_bytes,
                                    " bytes, got more: ", compressed.size(),
                                    " bytes that are compressed"));
    default:
      message->Clear();
      return BadForm(
          absl::StrCat("the compressed ", what, " is ", status.message()));
  }
}

}  // namespace rmq
