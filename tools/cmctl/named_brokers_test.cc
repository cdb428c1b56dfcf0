#include "tools/cmctl/named_brokers.h"

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/named_brokers.pb.h"

namespace rmq::cmctl {
namespace {

using ::testing::HasSubstr;

constexpr char kTwo[] =
    "# Mine.\n"
    "use: \"prod\"  # For now.\n"
    "brokers { name: \"prod\" address: \"h:1\" tls_ca: \"ca.pem\" }\n"
    "brokers { name: \"test\" address: \"unix:/run/b\" tls_ca: \"system\"\n"
    "  credentials_file: \"/etc/c\" }\n";

class NamedBrokersTest : public ::testing::Test {
 protected:
  ~NamedBrokersTest() override { std::remove(path_.c_str()); }

  absl::StatusOr<NamedBrokers> Read(const std::string& text) {
    std::ofstream(path_) << text;
    return ReadNamedBrokers(path_);
  }
  std::string Error(const std::string& text) {
    return std::string(Read(text).status().message());
  }
  std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  const std::string path_ = testing::TempDir() + "/brokers";
};

TEST_F(NamedBrokersTest, PathsAreBesideTheFile) {
  const auto brokers = Read(kTwo);
  ASSERT_THAT(brokers, IsOk());
  EXPECT_EQ(brokers->use(), "prod");
  const NamedBroker* const prod = FindBroker(*brokers, "prod");
  ASSERT_NE(prod, nullptr);
  EXPECT_EQ(prod->address(), "h:1");
  EXPECT_EQ(prod->tls_ca(), testing::TempDir() + "/ca.pem");
  EXPECT_EQ(prod->credentials_file(), "");
  const NamedBroker* const test = FindBroker(*brokers, "test");
  ASSERT_NE(test, nullptr);
  EXPECT_EQ(test->tls_ca(), "system");
  EXPECT_EQ(test->credentials_file(), "/etc/c");
  EXPECT_EQ(FindBroker(*brokers, "other"), nullptr);
}

TEST_F(NamedBrokersTest, AFileThatIsNotThereIsNotFound) {
  EXPECT_THAT(ReadNamedBrokers("/no/such"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such")));
}

TEST_F(NamedBrokersTest, AnErrorTellsThePlaceAndWhatIsAllowed) {
  EXPECT_THAT(Error("\nbrokers { name: \"a b\" address: \"h:1\" }"),
              HasSubstr(absl::StrCat(path_, ":2:1: name must be")));
  EXPECT_THAT(Error("brokers { name: \"a\" address: \"h:0\" }"),
              HasSubstr("address must be HOST:PORT or unix:PATH, got \"h:0\""));
  EXPECT_THAT(Error("brokers { name: \"a\" address: \"h:1\" port: 1 }"),
              HasSubstr("there is no field \"port\": there are name, address"));
  EXPECT_THAT(Error("brokers { name: \"a\" address: \"h:1\" tls_key: \"k\" }"),
              HasSubstr("tls_cert and tls_key must be given together"));
  EXPECT_THAT(Error("brokers { name: \"a\" address: \"h:1\" }\n"
                    "brokers { name: \"a\" address: \"h:2\" }"),
              HasSubstr(":2:1: name stands there twice: \"a\""));
  EXPECT_THAT(Error("use: \"a\""), HasSubstr("use must name one of the"));
  EXPECT_THAT(Error("use: \"a\" use: \"a\""),
              HasSubstr("use stands there twice"));
}

TEST_F(NamedBrokersTest, UsingABrokerChangesNothingElseInTheFile) {
  std::ofstream(path_) << kTwo;
  ASSERT_THAT(UseBroker(path_, "test"), IsOk());
  std::string expected = kTwo;
  expected.replace(expected.find("\"prod\""), 6, "\"test\"");
  EXPECT_EQ(Text(), expected);
}

TEST_F(NamedBrokersTest, TheFirstUseStandsAtTheTop) {
  const std::string one = "brokers { name: \"a\" address: \"h:1\" }\n";
  std::ofstream(path_) << one;
  ASSERT_THAT(UseBroker(path_, "a"), IsOk());
  EXPECT_EQ(Text(), "use: \"a\"\n" + one);
}

TEST_F(NamedBrokersTest, ABrokerThatIsNotThereCannotBeUsed) {
  std::ofstream(path_) << kTwo;
  EXPECT_THAT(UseBroker(path_, "other"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"other\"")));
  EXPECT_EQ(Text(), kTwo);
}

}  // namespace
}  // namespace rmq::cmctl
