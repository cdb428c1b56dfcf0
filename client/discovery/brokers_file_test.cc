#include "client/discovery/brokers_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/broker_entry.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kGood[] = R"({"brokers": [
  {"name": "broker-a", "id": 0, "address": "10.0.0.1:10911"},
  {"name": "broker-a", "id": 1, "address": "10.0.0.2:10911"},
  {"address": "[::1]:10911"}
]}
)";

absl::StatusOr<std::vector<BrokerEntry>> Parse(const std::string& text) {
  return ParseBrokersFile("/p", text);
}

void ExpectRefused(const std::string& text, const std::string& rule) {
  EXPECT_THAT(Parse(text).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("brokers file /p: "), HasSubstr(rule),
                             Not(HasSubstr("\n")))))
      << text;
}

TEST(BrokersFileTest, AFileNamesEachBroker) {
  const auto brokers = Parse(kGood);
  ASSERT_THAT(brokers.status(), IsOk());
  EXPECT_THAT(*brokers,
              ElementsAre(BrokerEntry{"broker-a", 0, "10.0.0.1:10911"},
                          BrokerEntry{"broker-a", 1, "10.0.0.2:10911"},
                          BrokerEntry{"", 0, "[::1]:10911"}));
}

TEST(BrokersFileTest, AFileThatIsCutAnywhereIsRefused) {
  const std::string whole(kGood, sizeof(kGood) - 2);  // Without the newline.
  ASSERT_THAT(Parse(whole).status(), IsOk());
  for (size_t size = 1; size < whole.size(); ++size) {
    ExpectRefused(whole.substr(0, size), "must be {\"brokers\": [");
  }
}

TEST(BrokersFileTest, AFileThatIsNoListOfBrokersIsRefused) {
  for (const char* text :
       {"10.0.0.1:10911", "[]", "{]", "\xff", "{\"brokers\": 1}",
        "{\"brokers\": [{\"adress\": \"a:1\"}]}",
        "{\"brokers\": [{\"address\": \"a:1\", \"id\": -1}]}"}) {
    ExpectRefused(text, "must be {\"brokers\": [");
  }
  ExpectRefused("{\"brokers\": [{\"adress\": \"a:1\"}]}", "adress");
}

TEST(BrokersFileTest, AFileWithoutABrokerIsRefused) {
  ExpectRefused("{}", "one entry at least");
  ExpectRefused("{\"brokers\": []}", "one entry at least");
}

TEST(BrokersFileTest, BrokersThatDoNotValidateAreRefused) {
  ExpectRefused("{\"brokers\": [{\"address\": \"a\"}]}", "got \"a\"");
  ExpectRefused("{\"brokers\": [{\"name\": \"a\"}]}", "got \"\"");
  ExpectRefused(
      "{\"brokers\": [{\"address\": \"a:1\"}, {\"address\": \"a:1\"}]}",
      "twice");
}

class ReadBrokersFileTest : public ::testing::Test {
 protected:
  ReadBrokersFileTest() { std::remove(path_.c_str()); }

  void Write(const std::string& text) {
    std::FILE* const file = std::fopen(path_.c_str(), "w");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    ASSERT_EQ(std::fclose(file), 0);
  }

  const std::string path_ = absl::StrCat(::testing::TempDir(), "/brokers");
};

TEST_F(ReadBrokersFileTest, ANamedFileIsRead) {
  Write(kGood);
  EXPECT_EQ(*ReadBrokersFile(path_), kGood);
}

TEST_F(ReadBrokersFileTest, AFileThatIsNotThereIsNotFound) {
  EXPECT_THAT(ReadBrokersFile(path_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(path_)));
}

TEST_F(ReadBrokersFileTest, AFileWithoutTextIsRefused) {
  for (const char* text : {"", " \n"}) {
    Write(text);
    EXPECT_THAT(ReadBrokersFile(path_).status(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("must not be empty")));
  }
}

TEST_F(ReadBrokersFileTest, AFileHasAtMostAMebibyte) {
  Write(std::string(kMaxBrokersFileBytes, 'x'));
  EXPECT_THAT(ReadBrokersFile(path_).status(), IsOk());
  Write(std::string(kMaxBrokersFileBytes + 1, 'x'));
  EXPECT_THAT(ReadBrokersFile(path_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("at most 1048576 bytes")));
}

TEST_F(ReadBrokersFileTest, APipeIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(ReadBrokersFile(path_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be a file")));
}

TEST_F(ReadBrokersFileTest, ADirectoryIsRefused) {
  EXPECT_THAT(ReadBrokersFile(::testing::TempDir()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be a file")));
}

TEST_F(ReadBrokersFileTest, AFileThatMayNotBeReadIsDenied) {
  if (geteuid() == 0) {
    GTEST_SKIP() << "SKIPPED: root may read each file";
  }
  Write(kGood);
  ASSERT_EQ(chmod(path_.c_str(), 0), 0);
  EXPECT_THAT(ReadBrokersFile(path_).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(path_)));
}

}  // namespace
}  // namespace rmq
