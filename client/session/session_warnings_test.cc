#include "client/session/session_warnings.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/broker_entry.h"
#include "client/broker_warning.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionWarningsTest : public ::testing::Test {
 protected:
  void Duplicate(const std::string& message) {
    v1::Warning& warning = *response_.add_warnings();
    warning.set_kind(v1::Warning::KIND_DUPLICATE_CLIENT_ID);
    warning.set_message(message);
  }
  void Inconsistent(const std::string& group,
                    const std::vector<std::string>& client_ids) {
    v1::Warning& warning = *response_.add_warnings();
    warning.set_kind(v1::Warning::KIND_INCONSISTENT_SUBSCRIPTION);
    warning.set_group(group);
    for (const std::string& id : client_ids) warning.add_client_ids(id);
  }
  // What an answer with the warnings so far tells anew.
  std::vector<std::string> Take(bool is_full) {
    std::vector<std::string> told;
    for (const BrokerWarning& warning :
         warnings_.Take(response_, is_full, {"broker-a", 0, "broker:1"})) {
      EXPECT_EQ(warning.broker.name, "broker-a");
      told.push_back(absl::StrCat(Name(warning.kind), " ", warning.group, " ",
                                  warning.message));
    }
    response_.clear_warnings();
    return told;
  }

  v1::HeartbeatResponse response_;
  SessionWarnings warnings_;
};

TEST_F(SessionWarningsTest, AWarningIsToldOnce) {
  Duplicate("at 10.0.0.2");
  EXPECT_THAT(Take(true), ElementsAre("DUPLICATE_CLIENT_ID  at 10.0.0.2"));
  Duplicate("at 10.0.0.2");
  EXPECT_THAT(Take(false), IsEmpty());
  Duplicate("at 10.0.0.2");
  EXPECT_THAT(Take(true), IsEmpty());
  EXPECT_THAT(warnings_.holding(), SizeIs(1));
}

TEST_F(SessionWarningsTest, AWarningThatHasChangedIsToldAgain) {
  Duplicate("at 10.0.0.2");
  Take(true);
  Duplicate("at 10.0.0.3");
  EXPECT_THAT(Take(false), ElementsAre("DUPLICATE_CLIENT_ID  at 10.0.0.3"));
  EXPECT_THAT(warnings_.holding(), SizeIs(1));
  Inconsistent("orders", {"a"});
  EXPECT_THAT(Take(false), ElementsAre("INCONSISTENT_SUBSCRIPTION orders "));
  Inconsistent("orders", {"a", "b"});
  EXPECT_THAT(Take(false), SizeIs(1));
}

TEST_F(SessionWarningsTest, AWarningThatHoldsAnewIsToldAgain) {
  Duplicate("at 10.0.0.2");
  Take(true);
  EXPECT_THAT(Take(false), IsEmpty());  // A light answer has what is new only.
  EXPECT_THAT(warnings_.holding(), SizeIs(1));
  Take(true);
  EXPECT_THAT(warnings_.holding(), IsEmpty());
  Duplicate("at 10.0.0.2");
  EXPECT_THAT(Take(true), SizeIs(1));
}

TEST_F(SessionWarningsTest, WarningsOfTwoGroupsAreTwo) {
  Inconsistent("bills", {});
  Inconsistent("orders", {});
  EXPECT_THAT(Take(true), ElementsAre("INCONSISTENT_SUBSCRIPTION bills ",
                                      "INCONSISTENT_SUBSCRIPTION orders "));
}

TEST_F(SessionWarningsTest, AWarningOfALaterVersionIsOfAnUnknownKind) {
  Duplicate("what later brokers say");
  response_.mutable_warnings(0)->set_kind(static_cast<v1::Warning::Kind>(99));
  EXPECT_THAT(Take(true), ElementsAre("UNKNOWN  what later brokers say"));
}

TEST_F(SessionWarningsTest, AtMost257Hold) {
  for (size_t i = 0; i <= SessionWarnings::kMaxWarnings; ++i) {
    Inconsistent(absl::StrCat("group-", i), {});
  }
  Take(true);
  EXPECT_THAT(warnings_.holding(), SizeIs(SessionWarnings::kMaxWarnings));
}

}  // namespace
}  // namespace rmq
