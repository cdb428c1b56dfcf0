#include "common/security/credentials_signer.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/file_changes.h"
#include "common/security/mqv2_authorization.h"
#include "common/security/test_certificates.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;

class CredentialsSignerTest : public testing::Test {
 protected:
  ~CredentialsSignerTest() override { std::remove(file_.c_str()); }

  void Write(absl::string_view access_key, absl::string_view secret_key) {
    WriteTestFile(file_, absl::StrCat("access_key: \"", access_key,
                                      "\" secret_key: \"", secret_key, "\""));
  }
  std::unique_ptr<CredentialsSigner> Create(const Credentials& credentials) {
    auto signer = CredentialsSigner::Create(credentials, &clock_);
    EXPECT_THAT(signer, IsOk());
    return *std::move(signer);
  }

  // Whether a call of now is signed with these.
  testing::AssertionResult SignsAs(CredentialsSigner* signer,
                                   absl::string_view access_key,
                                   absl::string_view secret_key) {
    const auto call = signer->Sign();
    if (!call.ok()) return testing::AssertionFailure() << call.status();
    const auto parsed = ParseMqv2Authorization(call->authorization);
    if (!parsed.ok()) return testing::AssertionFailure() << parsed.status();
    if (parsed->access_key != access_key) {
      return testing::AssertionFailure() << parsed->access_key;
    }
    const auto key = HmacSha1::Create(secret_key);
    return testing::AssertionResult(
        key.ok() && key->Verify(call->date_time, parsed->signature));
  }

  const std::string file_ = testing::TempDir() + "/signer_credentials";
  SimulatedClock clock_{absl::FromUnixSeconds(1703706379)};
};

TEST_F(CredentialsSignerTest, ACallIsSignedWithTheTime) {
  const auto signer = Create({"pay", "hush", ""});
  EXPECT_TRUE(SignsAs(signer.get(), "pay", "hush"));
  EXPECT_FALSE(SignsAs(signer.get(), "pay", "other"));
  EXPECT_EQ(signer->Sign()->date_time, "20231227T194619Z");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(signer->Sign()->date_time, "20231227T194620Z");
}

TEST_F(CredentialsSignerTest, AFileThatIsWrongAtFirstIsAnError) {
  EXPECT_THAT(CredentialsSigner::Create({"", "", file_}, &clock_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(file_)));
  WriteTestFile(file_, "access_key: 1");
  EXPECT_THAT(CredentialsSigner::Create({"", "", file_}, &clock_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(file_)));
}

TEST_F(CredentialsSignerTest, AFileThatChangesIsReadAnew) {
  Write("pay", "hush");
  const auto signer = Create({"", "", file_});
  EXPECT_TRUE(SignsAs(signer.get(), "pay", "hush"));
  const uint64_t generation = signer->generation();
  Write("pay2", "hush2");
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_GT(signer->generation(), generation);
  EXPECT_TRUE(SignsAs(signer.get(), "pay2", "hush2"));
}

TEST_F(CredentialsSignerTest, AFileThatIsWrongLaterChangesNothing) {
  Write("pay", "hush");
  const auto signer = Create({"", "", file_});
  const uint64_t generation = signer->generation();
  WriteTestFile(file_, "access_key: \"pay2\" secret_k");
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_EQ(signer->generation(), generation);
  EXPECT_TRUE(SignsAs(signer.get(), "pay", "hush"));
  std::remove(file_.c_str());
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_TRUE(SignsAs(signer.get(), "pay", "hush"));
  Write("pay3", "hush3");
  clock_.Advance(FileChanges::kPeriod);
  EXPECT_TRUE(SignsAs(signer.get(), "pay3", "hush3"));
}

}  // namespace
}  // namespace rmq
