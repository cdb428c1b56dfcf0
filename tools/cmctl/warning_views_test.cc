#include "tools/cmctl/warning_views.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::HasSubstr;

const TableTime kNow = {absl::FromUnixSeconds(1'700'000'060),
                        absl::FixedTimeZone(3600)};

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

std::string Show(const std::vector<AnswerPart>& parts) {
  Answer answer;
  answer.parts = parts;
  return ShowAnswer(answer, OutputFormat::kTable);
}

TEST(ShowConsistencyTest, WhoDiffersStandsBelowMost) {
  EXPECT_EQ(
      Show(ShowConsistency(Parse<pb::GetSubscriptionConsistencyResponse>(R"pb(
                             group: "orders"
                             inconsistent_since { seconds: 1700000000 }
                             policy: POLICY_REPORT
                             inconsistency_grace { seconds: 600 }
                             statements {
                               consume_type: CONSUME_TYPE_CONSUME_PASSIVELY
                               message_model: MESSAGE_MODEL_CLUSTERING
                               subscriptions {
                                 topic: "pay"
                                 expression: "a || b"
                                 expression_type: "TAG"
                               }
                               members: 2
                               client_ids: [ "c1", "c2" ]
                               is_reference: true
                               stated_since { seconds: 1700000000 }
                             }
                             statements {
                               consume_type: CONSUME_TYPE_CONSUME_PASSIVELY
                               message_model: MESSAGE_MODEL_CLUSTERING
                               subscriptions {
                                 topic: "pay"
                                 expression: "a"
                                 expression_type: "TAG"
                               }
                               members: 1
                               client_ids: "c3"
                               stated_since { seconds: 1700000030 }
                             }
                             statements_left_out: 3
                           )pb"),
                           kNow)),
      "consumer group orders: INCONSISTENT, since 2023-11-14 23:13:20 +01:00; "
      "policy REPORT, grace 600s\n"
      "\n"
      "THESE   MEMBERS  CONSUME TYPE       MESSAGE MODEL  SUBSCRIPTIONS   "
      "STATED     CLIENT IDS\n"
      "most    2        CONSUME_PASSIVELY  CLUSTERING     pay:TAG a || b  "
      "1m 0s ago  c1,c2\n"
      "differ  1        CONSUME_PASSIVELY  CLUSTERING     pay:TAG a       "
      "30s ago    c3\n"
      "and 3 more statements\n");
}

TEST(ShowConsistencyTest, AGroupThatAgreesIsConsistent) {
  EXPECT_EQ(
      Show(ShowConsistency(Parse<pb::GetSubscriptionConsistencyResponse>(R"pb(
                             group: "orders"
                             consistent: true
                             policy: POLICY_REJECT
                           )pb"),
                           kNow)),
      "consumer group orders: consistent; policy REJECT\n"
      "\n"
      "no member states a subscription\n");
}

TEST(ShowDuplicatesTest, AddressesStandBesideTheId) {
  EXPECT_EQ(Show({ShowDuplicates(Parse<pb::ListDuplicateClientIdsResponse>(R"pb(
                                   duplicates {
                                     client_id: "c1"
                                     since { seconds: 1700000000 }
                                     streams: 3
                                     channels { remote_address: "10.0.0.1:1" }
                                     channels { remote_address: "10.0.0.2:2" }
                                   }
                                 )pb"),
                                 kNow)}),
            "CLIENT ID  STREAMS  SINCE      ADDRESSES\n"
            "c1         3        1m 0s ago  10.0.0.1:1,10.0.0.2:2,...\n");
  EXPECT_THAT(
      Show({ShowDuplicates(Parse<pb::ListDuplicateClientIdsResponse>(R"pb(
                             duplicates {
                               client_id: "pod@1#0"
                               streams: 2
                               addresses: "10.0.0.1:1"
                               addresses: "10.0.0.2:2"
                             }
                           )pb"),
                           kNow)}),
      HasSubstr("10.0.0.1:1,10.0.0.2:2\n"));
  EXPECT_EQ(Show({ShowDuplicates({}, kNow)}),
            "no client id is used by several processes\n");
}

}  // namespace
}  // namespace rmq::cmctl
