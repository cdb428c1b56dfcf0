#include "common/security/credentials.h"

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CredentialsTest, KeysOrAFileAreGiven) {
  EXPECT_TRUE((Credentials{"pay", "secret", ""}).Validate().ok());
  EXPECT_TRUE((Credentials{"", "", "/file"}).Validate().ok());
  EXPECT_THAT((Credentials{"pay", "", "/file"}).Validate().message(),
              HasSubstr("credentials_file \"/file\" with access_key"));
  EXPECT_THAT((Credentials{"", "secret", "/file"}).Validate().message(),
              HasSubstr("with secret_key"));
}

TEST(CredentialsTest, AnAccessKeyIsWhatTheHeaderCanHave) {
  EXPECT_TRUE((Credentials{"a-Z_0.9@=", "s", ""}).Validate().ok());
  for (const char* const key : {"", "a,b", "a/b", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_THAT((Credentials{key, "s", ""}).Validate().message(),
                HasSubstr("credentials.access_key must be"))
        << key;
  }
}

TEST(CredentialsTest, ASecretIsNotEmptyAndNeverInAnError) {
  EXPECT_THAT((Credentials{"pay", "", ""}).Validate().message(),
              HasSubstr("credentials.secret_key must not be empty"));
  EXPECT_THAT((Credentials{"a,b", "hush", ""}).Validate().message(),
              Not(HasSubstr("hush")));
}

class CredentialsFileTest : public testing::Test {
 protected:
  ~CredentialsFileTest() override { std::remove(path_.c_str()); }

  absl::StatusOr<Credentials> Read(const std::string& text,
                                   mode_t mode = 0600) {
    std::ofstream(path_) << text;
    EXPECT_EQ(chmod(path_.c_str(), mode), 0);
    return ReadCredentialsFile(path_);
  }
  std::string Error(const std::string& text, mode_t mode = 0600) {
    return std::string(Read(text, mode).status().message());
  }

  const std::string path_ = testing::TempDir() + "/credentials";
};

TEST_F(CredentialsFileTest, HasTheAccessKeyAndTheSecretKey) {
  const absl::StatusOr<Credentials> read =
      Read("# of the test\nsecret_key: 'hu' 'sh'\naccess_key: \"pay\"\n");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->access_key, "pay");
  EXPECT_EQ(read->secret_key, "hush");
  EXPECT_TRUE(read->Validate().ok());
}

TEST_F(CredentialsFileTest, ThatIsNotThereIsNotFound) {
  EXPECT_THAT(ReadCredentialsFile("/no/such"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CredentialsFileTest, ThatOthersMayReadIsRefused) {
  const std::string good = "access_key: \"pay\" secret_key: \"hush\"";
  EXPECT_TRUE(Read(good, 0400).ok());
  EXPECT_THAT(Error(good, 0640), HasSubstr("must have the mode 0600"));
  EXPECT_THAT(Error(good, 0604), HasSubstr("got 0604"));
}

TEST_F(CredentialsFileTest, AnErrorTellsThePlaceAndNotWhatIsThere) {
  const std::string form = "must be access_key: \"...\" secret_key: \"...\"";
  for (const char* const text :
       {"access_key: \"pay\"\nsecret_key: hush", "access_key: \"pay\"\nhush: 1",
        "access_key: \"pay\"\nsecret_key: \"a\" hush",
        "access_key: \"pay\"\nsecret_key \"hush\""}) {
    const std::string error = Error(text);
    EXPECT_THAT(error, HasSubstr(absl::StrCat(path_, ":2:"))) << text;
    EXPECT_THAT(error, HasSubstr(form)) << text;
    EXPECT_THAT(error, Not(HasSubstr("hush"))) << text;
  }
}

TEST_F(CredentialsFileTest, EachKeyStandsThereOnceAndIsNotEmpty) {
  EXPECT_THAT(Error("access_key: \"pay\"\n"), HasSubstr("secret_key is miss"));
  EXPECT_THAT(Error("secret_key: \"x\"\n"), HasSubstr("access_key is missing"));
  EXPECT_THAT(Error(""), HasSubstr("access_key is missing"));
  EXPECT_THAT(Error("access_key: \"a\" secret_key: \"\""),
              HasSubstr("secret_key must not be empty"));
  EXPECT_THAT(Error("access_key: \"a/b\" secret_key: \"x\""),
              HasSubstr("access_key must be"));
  EXPECT_THAT(Error("access_key: \"a\" secret_key: \"x\"\naccess_key: \"b\""),
              HasSubstr(":2:1: the field stands there twice"));
}

}  // namespace
}  // namespace rmq
