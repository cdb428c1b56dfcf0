#include "common/security/tls_options.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;

TEST(TlsOptionsTest, NoFieldNeedsToBeGiven) {
  EXPECT_TRUE(TlsOptions().Validate().ok());
}

TEST(TlsOptionsTest, ACertificateAndItsKeyAreGivenTogether) {
  TlsOptions tls;
  tls.cert_file = "c.pem";
  EXPECT_EQ(tls.Validate(),
            absl::InvalidArgumentError(
                "tls.cert_file and tls.key_file must be given together, got "
                "only tls.cert_file \"c.pem\""));
  tls.key_file = "k.pem";
  EXPECT_TRUE(tls.Validate().ok());
  tls.cert_file = "";
  EXPECT_THAT(tls.Validate().message(), HasSubstr("only tls.key_file"));
}

TEST(TlsOptionsTest, AServerNameIsAHostOrAnAddress) {
  TlsOptions tls;
  for (const char* const name : {"broker-1.example.com", "10.0.0.1", "::1"}) {
    tls.server_name = name;
    EXPECT_TRUE(tls.Validate().ok()) << name;
  }
  for (const char* const name : {"a b", "https://a", "a\n"}) {
    tls.server_name = name;
    EXPECT_THAT(tls.Validate().message(), HasSubstr("tls.server_name")) << name;
  }
}

}  // namespace
}  // namespace rmq
