#include "common/security/client_security.h"

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using testing::HasSubstr;

class ClientSecurityTest : public testing::Test {
 protected:
  std::string Error(const std::vector<std::string>& brokers,
                    bool brokers_may_come = false) {
    return std::string(ValidateClientSecurity(tls_, credentials_, insecure_,
                                              brokers, brokers_may_come)
                           .message());
  }

  absl::optional<TlsOptions> tls_;
  absl::optional<Credentials> credentials_ = Credentials{"pay", "hush", ""};
  bool insecure_ = false;
};

TEST_F(ClientSecurityTest, WithoutTlsCredentialsStayOnThisMachine) {
  EXPECT_EQ(Error({"127.0.0.1:1", "[::1]:1", "localhost:1"}), "");
  EXPECT_THAT(Error({"127.0.0.1:1", "10.0.0.1:1"}),
              HasSubstr("give tls, or allow_insecure_credentials where the "
                        "network is trusted, got the broker \"10.0.0.1:1\""));
  EXPECT_THAT(Error({}, true), HasSubstr("a resolver"));
}

TEST_F(ClientSecurityTest, OverTlsCredentialsGoAnywhere) {
  tls_.emplace();
  EXPECT_EQ(Error({"10.0.0.1:1"}, true), "");
}

TEST_F(ClientSecurityTest, CredentialsMayBeAllowedInPlainText) {
  insecure_ = true;
  EXPECT_EQ(Error({"10.0.0.1:1"}, true), "");
}

TEST_F(ClientSecurityTest, WithoutCredentialsNothingIsRefused) {
  credentials_.reset();
  EXPECT_EQ(Error({"10.0.0.1:1"}, true), "");
}

TEST_F(ClientSecurityTest, BadOptionsAreRefused) {
  credentials_->access_key = "a,b";
  EXPECT_THAT(Error({}), HasSubstr("credentials.access_key"));
  tls_.emplace().key_file = "key";
  EXPECT_THAT(Error({}), HasSubstr("tls.key_file"));
}

TEST(TlsOfFlagsTest, AnyFlagMeansTls) {
  EXPECT_FALSE(TlsOfFlags("", "", "", "").has_value());
  const auto all = TlsOfFlags("ca", "cert", "key", "name");
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->ca_file + all->cert_file + all->key_file + all->server_name,
            "cacertkeyname");
  EXPECT_TRUE(TlsOfFlags("", "", "", "name").has_value());
}

TEST(TlsOfFlagsTest, TheAuthoritiesOfTheSystemHaveAWord) {
  const auto tls = TlsOfFlags("system", "", "", "");
  ASSERT_TRUE(tls.has_value());
  EXPECT_EQ(tls->ca_file, "");
}

}  // namespace
}  // namespace rmq
