// Users of a broker with a file of rules, for tests: their signatures, and the
// file.
#ifndef BROKER_SERVER_TEST_USERS_H_
#define BROKER_SERVER_TEST_USERS_H_

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/security/hmac_sha1.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

namespace rmq {

using TestMetadata = std::vector<std::pair<std::string, std::string>>;

// What a client of the user sends, as RocketMQ 5's SDKs do: `credential`
// follows the user's name.
inline TestMetadata Signed(absl::string_view user, absl::string_view secret,
                           absl::string_view credential = "",
                           absl::string_view date = "20231227T194619Z",
                           bool upper_case = true) {
  const HmacSha1Signature bytes = *HmacSha1::Create(secret)->Sign(date);
  std::string signature =
      absl::BytesToHexString(std::string(bytes.begin(), bytes.end()));
  if (upper_case) absl::AsciiStrToUpper(&signature);
  return {
      {"x-mq-date-time", std::string(date)},
      {"authorization",
       absl::StrCat("MQv2-HMAC-SHA1 Credential=", user, credential,
                    ", SignedHeaders=x-mq-date-time, Signature=", signature)}};
}

// Adds the metadata to a call.
inline std::function<void(grpc::ClientContext*)> Sending(
    TestMetadata metadata) {
  return [metadata = std::move(metadata)](grpc::ClientContext* context) {
    for (const auto& [key, value] : metadata) context->AddMetadata(key, value);
  };
}

// A file of rules in a directory of its own, which goes with the object.
class TestRulesFile {
 public:
  explicit TestRulesFile(const std::string& rules)
      : directory_(mkdtemp(name_)), path_(directory_ + "/rules") {
    Write(rules);
  }
  ~TestRulesFile() {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }
  TestRulesFile(const TestRulesFile&) = delete;
  TestRulesFile& operator=(const TestRulesFile&) = delete;

  const std::string& path() const { return path_; }
  // Puts another file in its place.
  void Write(const std::string& rules) const {
    const std::string other = path_ + ".new";
    std::ofstream(other) << rules;
    EXPECT_EQ(chmod(other.c_str(), 0600), 0);
    EXPECT_EQ(rename(other.c_str(), path_.c_str()), 0);
  }

 private:
  char name_[32] = "/tmp/rules_test.XXXXXX";
  const std::string directory_;
  const std::string path_;
};

}  // namespace rmq

#endif  // BROKER_SERVER_TEST_USERS_H_
