// cmctl config, from its arguments to its exit code.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/run_command.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ConfigCommandsTest : public ::testing::Test {
 protected:
  ConfigCommandsTest() {
    std::ofstream(file_) << R"(use: "prod"
brokers { name: "prod" address: "h:1" tls_ca: "/ca" credentials_file: "/c" }
brokers { name: "test" address: "127.0.0.1:2" })";
  }
  ~ConfigCommandsTest() override { std::remove(file_.c_str()); }

  int Run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    arguments.insert(arguments.begin(),
                     {"config", absl::StrCat("--config=", file_)});
    return RunCommand(arguments, out_, err_);
  }

  const std::string file_ = testing::TempDir() + "/config_brokers";
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ConfigCommandsTest, ListShowsTheBrokersAndTheOneThatIsUsed) {
  EXPECT_EQ(Run({"list"}), kExitOk);
  EXPECT_EQ(out_.str(),
            "USED  NAME  ADDRESS      SECURITY   CREDENTIALS\n"
            "*     prod  h:1          TLS        /c\n"
            "      test  127.0.0.1:2  plaintext  none\n");
}

TEST_F(ConfigCommandsTest, ListAsJsonIsTheFile) {
  EXPECT_EQ(Run({"list", "-o", "json"}), kExitOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"use\": \"prod\""),
                                HasSubstr("\"address\":\"127.0.0.1:2\"")));
}

TEST_F(ConfigCommandsTest, UseMakesABrokerTheOneThatIsAsked) {
  EXPECT_EQ(Run({"use", "test"}), kExitOk);
  EXPECT_EQ(Run({"list"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("*     test"));
}

TEST_F(ConfigCommandsTest, WhatIsNotThereIsAnError) {
  EXPECT_EQ(Run({"use", "other"}), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("there is no broker \"other\""));
  std::remove(file_.c_str());
  EXPECT_EQ(Run({"list"}), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr(file_));
}

TEST_F(ConfigCommandsTest, BadUsageExitsWithTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"show"},
                                             {"list", "a"},
                                             {"use"},
                                             {"use", "a", "b"},
                                             {"list", "--broker=h:1"}}) {
    EXPECT_EQ(Run(arguments), kExitUsage) << arguments.back();
  }
}

TEST_F(ConfigCommandsTest, HelpHasTheFormOfTheFileAndNoOptionOfABroker) {
  EXPECT_EQ(Run({"--help"}), kExitOk);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("brokers {"), HasSubstr("--config=FILE"),
                    Not(HasSubstr("--broker=")), Not(HasSubstr("--timeout"))));
}

}  // namespace
}  // namespace rmq::cmctl
