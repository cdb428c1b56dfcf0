#include "broker/auth/method_access.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::string_view kClients =
    "rocketmq.clientmanager.v1.ClientManager.";
constexpr absl::string_view kOperators =
    "rocketmq.clientmanager.v1.ClientManagerAdmin.";

// The questions of a call of the method, as "Group:a SUB".
std::vector<std::string> Asked(absl::string_view service,
                               absl::string_view method,
                               std::vector<absl::string_view> groups = {},
                               std::vector<absl::string_view> topics = {}) {
  const absl::optional<MethodAccess> access =
      AccessOf(absl::StrCat(service, method));
  EXPECT_TRUE(access.has_value()) << method;
  std::vector<std::string> asked;
  if (!access.has_value()) return asked;
  for (const RequiredAccess& required :
       RequiredBy(*access, "c", groups, topics)) {
    asked.push_back(absl::StrCat(Name(required.resource.kind), ":",
                                 required.resource.name, " ",
                                 Names(required.actions)));
  }
  return asked;
}

TEST(MethodAccessTest, OtherMethodsAreNotKnown) {
  for (const absl::string_view method :
       {"", "Heartbeat", "rocketmq.clientmanager.v1.ClientManager",
        "rocketmq.clientmanager.v1.ClientManager.",
        "rocketmq.clientmanager.v1.ClientManager.Drain",
        "/rocketmq.clientmanager.v1.ClientManager.Heartbeat"}) {
    EXPECT_FALSE(AccessOf(method).has_value()) << method;
  }
}

TEST(MethodAccessTest, AHeartbeatAsksForItsGroupsAndTopics) {
  EXPECT_THAT(Asked(kClients, "Heartbeat", {"a", "b"}, {"t"}),
              ElementsAre("Group:a SUB", "Group:b SUB", "Topic:t SUB"));
  EXPECT_THAT(Asked(kClients, "UnregisterClient", {"a"}), IsEmpty());
}

TEST(MethodAccessTest, AHeartbeatOfProducersAloneAsksForNothing) {
  EXPECT_THAT(Asked(kClients, "Heartbeat"), IsEmpty());
}

TEST(MethodAccessTest, ARetryTopicIsAPartOfItsGroup) {
  EXPECT_THAT(Asked(kClients, "Heartbeat", {"a"}, {"%RETRY%a", "%DLQ%a"}),
              ElementsAre("Group:a SUB", "Group:a SUB", "Topic:%DLQ%a SUB"));
  EXPECT_THAT(Asked(kOperators, "QueryTopicConsumeByWho", {}, {"%RETRY%other"}),
              ElementsAre("Group:other GET"));
}

TEST(MethodAccessTest, MembersMayAskWhoIsInTheirGroup) {
  EXPECT_THAT(Asked(kClients, "GetConsumerListByGroup", {"a"}),
              ElementsAre("Group:a SUB, GET"));
}

TEST(MethodAccessTest, ALookUpAsksForWhatItNamesElseForTheCluster) {
  EXPECT_THAT(Asked(kOperators, "FindSubscription", {"a"}, {"t"}),
              ElementsAre("Group:a GET", "Topic:t GET"));
  EXPECT_THAT(Asked(kOperators, "Watch", {"a"}), ElementsAre("Group:a GET"));
  EXPECT_THAT(Asked(kOperators, "Watch"), ElementsAre("Cluster:c GET"));
  EXPECT_THAT(Asked(kOperators, "ListClients", {"a"}),
              ElementsAre("Cluster:c GET"));
  EXPECT_THAT(Asked(kOperators, "GetProducerConnectionList", {"a"}),
              ElementsAre("Cluster:c GET"));
}

TEST(MethodAccessTest, AChangeAsksForTheClusterWhateverItNames) {
  EXPECT_THAT(Asked(kOperators, "KickClients", {"a"}),
              ElementsAre("Cluster:c UPDATE"));
  EXPECT_THAT(Asked(kOperators, "Drain"), ElementsAre("Cluster:c UPDATE"));
}

TEST(MethodAccessTest, EverybodyMayAskForHealth) {
  EXPECT_THAT(Asked("grpc.health.v1.Health.", "Check"), IsEmpty());
}

}  // namespace
}  // namespace rmq
