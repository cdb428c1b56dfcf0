#include "common/rpc/server/inflate.h"

#include <zlib.h>

#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpc/grpc.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLimit = 64 * 1024;

// Compresses as gRPC's clients do.
std::string Compressed(ZlibFormat format, const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                         format == ZlibFormat::kGzip ? 15 + 16 : 15, 8,
                         Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(&compressed[0]);
  stream.avail_out = static_cast<uInt>(compressed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  compressed.resize(compressed.size() - stream.avail_out);
  deflateEnd(&stream);
  return compressed;
}

// Bytes that say where they are cut.
std::string Text(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) absl::StrAppend(&text, i, " ");
  text.resize(bytes);
  return text;
}

class InflateTest : public ::testing::TestWithParam<ZlibFormat> {
 protected:
  absl::Status InflateToLimit(const std::string& compressed) {
    inflated_ = "left over";
    return Inflate(GetParam(), compressed, kLimit, &inflated_);
  }

  std::string inflated_;
};

INSTANTIATE_TEST_SUITE_P(Each, InflateTest,
                         ::testing::Values(ZlibFormat::kGzip,
                                           ZlibFormat::kDeflate),
                         [](const auto& test) {
                           return test.param == ZlibFormat::kGzip ? "Gzip"
                                                                  : "Deflate";
                         });

TEST_P(InflateTest, WhatWasCompressedComesBackUpToTheLimit) {
  for (size_t bytes :
       {size_t{0}, size_t{1}, size_t{4096}, size_t{4097}, kLimit - 1, kLimit}) {
    EXPECT_THAT(InflateToLimit(Compressed(GetParam(), Text(bytes))), IsOk());
    EXPECT_TRUE(inflated_ == Text(bytes)) << bytes;
  }
}

TEST_P(InflateTest, OneByteMoreIsTooMuchAndTheBeginningIsThere) {
  EXPECT_THAT(InflateToLimit(Compressed(GetParam(), Text(kLimit + 1))),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("more than 65536 bytes")));
  EXPECT_TRUE(inflated_ == Text(kLimit));
}

TEST_P(InflateTest, AThousandTimesTheLimitTakesNoMoreMemoryThanTwiceIt) {
  const std::string bomb =
      Compressed(GetParam(), std::string(1000 * kLimit, '\0'));
  EXPECT_LT(bomb.size(), 2 * kLimit);
  EXPECT_THAT(InflateToLimit(bomb),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(inflated_.size(), kLimit);
  EXPECT_LE(inflated_.capacity(), 2 * kLimit + 2);
}

TEST_P(InflateTest, WhatIsCutOffAnywhereIsInvalid) {
  const std::string whole = Compressed(GetParam(), Text(100));
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_THAT(InflateToLimit(whole.substr(0, bytes)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << bytes;
  }
}

TEST_P(InflateTest, AWrongByteIsInvalid) {
  std::string compressed = Compressed(GetParam(), Text(1000));
  compressed[compressed.size() - 5] ^= 1;  // Of the content, or its checksum.
  EXPECT_THAT(InflateToLimit(compressed),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(InflateToLimit("these bytes are not compressed"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// gRPC's own decompression refuses both as well.
TEST_P(InflateTest, WhatFollowsIsInvalidASecondPieceToo) {
  const std::string whole = Compressed(GetParam(), Text(100));
  for (const std::string& rest : {std::string("x"), whole}) {
    EXPECT_THAT(InflateToLimit(whole + rest),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("followed by something else")));
  }
}

TEST_P(InflateTest, TheOtherFormatIsInvalid) {
  const ZlibFormat other = GetParam() == ZlibFormat::kGzip
                               ? ZlibFormat::kDeflate
                               : ZlibFormat::kGzip;
  EXPECT_THAT(InflateToLimit(Compressed(other, Text(100))),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// --- Messages ---

// As gRPC hands it over.
grpc::ByteBuffer Received(const std::string& bytes,
                          grpc_compression_algorithm encoding) {
  grpc::Slice slice(bytes);
  grpc_slice c_slice = slice.c_slice();
  // A ByteBuffer is a pointer to one of C's, as its constructor asserts.
  grpc_byte_buffer* const c_buffer =
      grpc_raw_compressed_byte_buffer_create(&c_slice, 1, encoding);
  grpc_slice_unref(c_slice);
  grpc::ByteBuffer buffer;
  static_assert(sizeof(buffer) == sizeof(c_buffer));
  *reinterpret_cast<grpc_byte_buffer**>(&buffer) = c_buffer;
  return buffer;
}

std::string BytesOf(const grpc::ByteBuffer& message) {
  grpc::Slice slice;
  if (!message.DumpToSingleSlice(&slice).ok()) return "";
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

TEST(InflateMessageTest, AMessageSaysWhetherItIsCompressed) {
  EXPECT_FALSE(IsCompressed(grpc::ByteBuffer(), nullptr));
  EXPECT_FALSE(IsCompressed(Received("x", GRPC_COMPRESS_NONE), nullptr));
  EXPECT_TRUE(IsCompressed(Received("x", GRPC_COMPRESS_GZIP), nullptr));
  EXPECT_TRUE(IsCompressed(Received("x", GRPC_COMPRESS_DEFLATE), nullptr));
}

TEST(InflateMessageTest, BothEncodingsAreTakenApart) {
  size_t work;
  for (const auto& [encoding, format] :
       {std::make_tuple(GRPC_COMPRESS_GZIP, ZlibFormat::kGzip),
        std::make_tuple(GRPC_COMPRESS_DEFLATE, ZlibFormat::kDeflate)}) {
    grpc::ByteBuffer message =
        Received(Compressed(format, Text(5000)), encoding);
    EXPECT_TRUE(InflateMessage("frame", 5000, &message, &work).ok());
    EXPECT_FALSE(IsCompressed(message, nullptr));
    EXPECT_EQ(BytesOf(message), Text(5000));
  }
}

TEST(InflateMessageTest, NothingAtAllIsAnEmptyMessage) {
  size_t work;
  grpc::ByteBuffer message = Received("", GRPC_COMPRESS_GZIP);
  EXPECT_TRUE(InflateMessage("frame", 5000, &message, &work).ok());
  EXPECT_FALSE(IsCompressed(message, nullptr));
  EXPECT_TRUE(message.Valid());
  EXPECT_EQ(message.Length(), 0);
}

TEST(InflateMessageTest, OneThatIsTooLargeIsRefusedByNameAndItsBeginningKept) {
  size_t work;
  const std::string bytes = Compressed(ZlibFormat::kGzip, Text(5001));
  grpc::ByteBuffer message = Received(bytes, GRPC_COMPRESS_GZIP);
  const CallStatus status = InflateMessage("frame", 5000, &message, &work);
  EXPECT_EQ(status.code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.response_code, ResponseCode::kSystemBusy);
  EXPECT_EQ(status.message,
            absl::StrCat("frame must be at most 5000 bytes, got more: ",
                         bytes.size(), " bytes that are compressed"));
  EXPECT_EQ(BytesOf(message), Text(5000));
  EXPECT_EQ(work, 5000);
}

TEST(InflateMessageTest, TheWorkIsToldOfWhatIsSeenToBeBadAtItsEnd) {
  for (const bool is_followed : {false, true}) {
    size_t work;
    std::string bytes = Compressed(ZlibFormat::kGzip, Text(4000));
    if (is_followed) {
      bytes += '\0';
    } else {
      bytes.back() ^= 1;  // Of its length.
    }
    grpc::ByteBuffer message = Received(bytes, GRPC_COMPRESS_GZIP);
    EXPECT_EQ(InflateMessage("message", 5000, &message, &work).code,
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(message.Length(), 0);
    EXPECT_EQ(work, 4000);
  }
}

TEST(InflateMessageTest, OneThatCannotBeReadIsInvalidAndEmpty) {
  size_t work;
  grpc::ByteBuffer message = Received("nonsense", GRPC_COMPRESS_GZIP);
  const CallStatus status = InflateMessage("message", 5000, &message, &work);
  EXPECT_EQ(status.code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message, "the compressed message is corrupted, or cut off");
  EXPECT_EQ(message.Length(), 0);
}

TEST(InflateMessageTest, AnotherEncodingIsUnimplemented) {
  size_t work;
  grpc::ByteBuffer message = Received("x", GRPC_COMPRESS_NONE);
  const CallStatus status = InflateMessage("frame", 5000, &message, &work);
  EXPECT_EQ(status.code, absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.response_code, ResponseCode::kRequestCodeNotSupported);
  EXPECT_THAT(status.message, HasSubstr("other than gzip and deflate"));
  EXPECT_EQ(message.Length(), 0);
}

}  // namespace
}  // namespace rmq
