// The tables of states in README.md against the session: the one of all states
// and events is read and played, and what it leaves out is missed.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/broker_warning.h"
#include "client/client_options.h"
#include "client/session/broker_session.h"
#include "client/session/broker_stub.h"
#include "client/session/group_membership.h"
#include "client/testing/manual_event_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::IsEmpty;
using ::testing::Not;

const BrokerEntry& kBroker = *new BrokerEntry{"broker-a", 0, "broker:1"};

constexpr BrokerState kStates[] = {
    BrokerState::kIdle,     BrokerState::kConnecting, BrokerState::kStating,
    BrokerState::kOnline,   BrokerState::kPartial,    BrokerState::kBackoff,
    BrokerState::kRefused,  BrokerState::kReserve,    BrokerState::kLeaving,
    BrokerState::kReplaced, BrokerState::kKicked,     BrokerState::kStopped,
};

// What the broker takes at most where it refuses a larger frame.
constexpr size_t kFrameLimit = 100;

// A session in a state that is chosen, with a stream that keeps quiet.
class Scene final : private BrokerSession::Observer {
 public:
  explicit Scene(BrokerState state) {
    SetStatement({"orders"});
    switch (state) {
      case BrokerState::kIdle: session_.SetStatement(nullptr); break;
      case BrokerState::kConnecting: break;
      case BrokerState::kStating: stub_.reactor().OnStarted(); break;
      case BrokerState::kOnline:
        GoOnline();
        // The second heartbeat is being written.
        loop_.Advance(BrokerSession::kSecondHeartbeatDelay);
        break;
      case BrokerState::kPartial:
        stub_.reactor().OnStarted();
        stub_.reactor().OnWritten();
        ReplyThatSkips("orders");
        loop_.Advance(BrokerSession::kSecondHeartbeatDelay);
        break;
      case BrokerState::kBackoff: Finish(absl::StatusCode::kUnavailable); break;
      case BrokerState::kRefused:
        SetStatement({"orders", std::string(kFrameLimit, 'x')});
        stub_.reactor().OnStarted();
        FinishAsTooLarge(kFrameLimit);
        break;
      case BrokerState::kReserve:
        has_another_way_ = true;
        Finish(absl::StatusCode::kAborted, EndReason::kReplaced);
        break;
      case BrokerState::kLeaving:
        GoOnline();
        session_.SetStatement(nullptr);
        break;
      case BrokerState::kReplaced:
        Finish(absl::StatusCode::kAborted, EndReason::kReplaced);
        break;
      case BrokerState::kKicked:
        Finish(absl::StatusCode::kPermissionDenied, EndReason::kKicked);
        break;
      case BrokerState::kStopped: session_.Abandon(); break;
    }
    EXPECT_EQ(session_.health().state, state);
  }

  // An event by the name that the README gives it; false if it knows no such.
  bool Play(absl::string_view event) {
    if (event == "statement") {
      SetStatement({"orders", "invoices"});
    } else if (event == "statement over a known limit") {
      SetStatement({"orders", std::string(kFrameLimit, 'y')});
    } else if (event == "no statement") {
      session_.SetStatement(nullptr);
    } else if (event == "rename") {
      session_.Rename({"broker-b", 0, kBroker.address});
    } else if (event == "shutdown") {
      session_.Shutdown();
    } else if (event == "abandon") {
      session_.Abandon();
    } else if (event == "started") {
      stub_.reactor().OnStarted();
    } else if (event == "reply") {
      Reply(stub_.last_frame().request_id());
    } else if (event == "reply: a group is skipped") {
      ReplyThatSkips("orders");
    } else if (event == "push") {
      v1::BrokerFrame frame;
      frame.mutable_notify_consumer_ids_changed()->set_group("orders");
      stub_.reactor().OnRead(frame);
    } else if (event == "written") {
      stub_.reactor().OnWritten();
    } else if (event == "finished") {
      Finish(absl::StatusCode::kUnavailable);
    } else if (event == "finished: REPLACED, no other way") {
      Finish(absl::StatusCode::kAborted, EndReason::kReplaced);
    } else if (event == "finished: REPLACED, another way") {
      has_another_way_ = true;
      Finish(absl::StatusCode::kAborted, EndReason::kReplaced);
    } else if (event == "finished: KICKED") {
      Finish(absl::StatusCode::kPermissionDenied, EndReason::kKicked);
    } else if (event == "finished: frame too large") {
      FinishAsTooLarge(10);
    } else if (event == "reconnect") {
      session_.Reconnect();
    } else if (event == "other way lost") {
      session_.TakeOver();
    } else if (event == "other way replaced") {
      session_.EndReserve(BrokerState::kReplaced);
    } else if (event == "other way kicked") {
      session_.EndReserve(BrokerState::kKicked);
    } else if (event == "timer") {
      if (loop_.NextTimer() == absl::InfiniteFuture()) return false;
      loop_.Advance(loop_.NextTimer() - loop_.Now());
    } else {
      return false;
    }
    return true;
  }

  BrokerState state() const { return session_.health().state; }

 private:
  class QuietStub final : public BrokerStub {
   public:
    BrokerStream::Reactor& reactor() const { return *reactor_; }
    const v1::ClientFrame& last_frame() const { return last_frame_; }

    std::unique_ptr<BrokerStream> NewStream(
        BrokerStream::Reactor* reactor) override {
      reactor_ = reactor;
      return std::make_unique<QuietStream>(&last_frame_);
    }
    absl::StatusOr<v1::GetConsumerListByGroupResponse> GetConsumerListByGroup(
        const v1::GetConsumerListByGroupRequest&, absl::Duration) override {
      return absl::UnimplementedError("streams only");
    }
    absl::Status CheckClientConfig(const v1::CheckClientConfigRequest&,
                                   absl::Duration) override {
      return absl::UnimplementedError("streams only");
    }
    void CancelCalls() override {}

   private:
    class QuietStream final : public BrokerStream {
     public:
      explicit QuietStream(v1::ClientFrame* last_frame)
          : last_frame_(*last_frame) {}
      void Start() override {}
      void Write(const v1::ClientFrame& frame) override { last_frame_ = frame; }
      void HalfClose() override {}

     private:
      v1::ClientFrame& last_frame_;
    };

    BrokerStream::Reactor* reactor_ = nullptr;
    v1::ClientFrame last_frame_;
  };

  void SetStatement(const std::vector<std::string>& consumers) {
    auto statement = std::make_shared<v1::HeartbeatRequest>();
    for (const std::string& group : consumers) {
      statement->add_consumers()->set_group(group);
    }
    session_.SetStatement(std::move(statement));
  }
  void GoOnline() {
    stub_.reactor().OnStarted();
    stub_.reactor().OnWritten();
    Reply(stub_.last_frame().request_id());
  }
  void Reply(uint64_t request_id) {
    v1::BrokerFrame frame;
    frame.mutable_reply()->set_request_id(request_id);
    frame.mutable_reply()->mutable_heartbeat()->set_statement_token(77);
    stub_.reactor().OnRead(frame);
  }
  void ReplyThatSkips(const std::string& group) {
    v1::BrokerFrame frame;
    frame.mutable_reply()->set_request_id(stub_.last_frame().request_id());
    frame.mutable_reply()->mutable_heartbeat()->add_skipped_groups()->set_group(
        group);
    stub_.reactor().OnRead(frame);
  }
  void Finish(absl::StatusCode code, EndReason reason = EndReason::kNone) {
    stub_.reactor().OnFinished(
        {absl::Status(code, "as the test says"), reason});
  }
  void FinishAsTooLarge(size_t limit) {
    stub_.reactor().OnFinished({absl::ResourceExhaustedError(
        absl::StrCat("Received message larger than max (",
                     stub_.last_frame().ByteSizeLong(), " vs. ", limit, ")"))});
  }

  void OnConsumerIdsChanged(const BrokerEntry&, absl::string_view) override {}
  void OnMembershipChanged(const BrokerEntry&, absl::string_view,
                           const MembershipReport&, absl::Time) override {}
  void OnMembershipEnded(const BrokerEntry&, absl::string_view) override {}
  void OnWarning(const BrokerWarning&) override {}
  void OnHealthChanged(const BrokerHealth&) override {}
  bool KeepsInReserve(const BrokerSession&) override {
    return has_another_way_;
  }
  void OnStopped(const BrokerEntry&, const absl::Status&) override {}

  ManualEventLoop loop_;
  QuietStub stub_;
  bool has_another_way_ = false;
  uint64_t stream_number_ = 0;
  BrokerSession session_{kBroker,
                         BrokerSession::Options(ClientOptions()),
                         &loop_,
                         &stub_,
                         this,
                         [] { return 0.0; },
                         [this] { return ++stream_number_; }};
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

// The rows of the table in README.md whose header begins with `header`, each
// the text of its cells; the header is the first.
std::vector<std::vector<std::string>> TableOf(absl::string_view header) {
  std::vector<std::vector<std::string>> rows;
  const std::string text = ReadFile("client/README.md");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (rows.empty() && !absl::StartsWith(line, header)) continue;
    if (!absl::ConsumePrefix(&line, "|")) break;
    if (absl::StartsWith(line, "---")) continue;
    absl::ConsumeSuffix(&line, "|");
    std::vector<std::string>& row = rows.emplace_back();
    for (absl::string_view cell : absl::StrSplit(line, '|')) {
      row.emplace_back(absl::StripAsciiWhitespace(cell));
    }
  }
  return rows;
}

// "kOnline" for ONLINE.
std::string Enumerator(BrokerState state) {
  std::string name = absl::AsciiStrToLower(Name(state));
  name[0] = absl::ascii_toupper(name[0]);
  return "k" + name;
}

// What becomes of a session, in the words of the README.
std::string Outcome(BrokerState from, const std::string& event) {
  Scene scene(from);
  if (!scene.Play(event)) return "-";
  return scene.state() == from ? "stays" : Enumerator(scene.state());
}

TEST(StateTableDeathTest, EveryEventInEveryStateLeadsWhereTheReadmeSays) {
  const auto rows = TableOf("| event |");
  ASSERT_THAT(rows, Not(IsEmpty()));
  const std::vector<std::string>& header = rows[0];
  ASSERT_EQ(header.size(), 1 + std::size(kStates));
  std::set<std::string> events;
  for (size_t r = 1; r < rows.size(); ++r) {
    const std::string& event = rows[r][0];
    events.insert(event);
    ASSERT_EQ(rows[r].size(), header.size()) << event;
    for (size_t s = 0; s < std::size(kStates); ++s) {
      SCOPED_TRACE(absl::StrCat(event, " in ", header[s + 1]));
      ASSERT_EQ(header[s + 1], Enumerator(kStates[s]));
      const std::string& expected = rows[r][s + 1];
      if (expected == "aborts") {
        EXPECT_DEATH(Outcome(kStates[s], event), std::string(Name(kStates[s])));
      } else {
        EXPECT_EQ(Outcome(kStates[s], event), expected);
      }
    }
  }
  EXPECT_THAT(
      events,
      ::testing::UnorderedElementsAre(
          "statement", "statement over a known limit", "no statement", "rename",
          "shutdown", "abandon", "started", "reply",
          "reply: a group is skipped", "push", "written", "finished",
          "finished: REPLACED, no other way", "finished: REPLACED, another way",
          "finished: KICKED", "finished: frame too large", "reconnect",
          "other way lost", "other way replaced", "other way kicked", "timer"));
}

TEST(StateTableTest, TheTestsThatTheReadmeNamesAreThere) {
  std::string tests;
  for (const char* part : {"denial", "heartbeat", "reconnect", "ends", "groups",
                           "membership", "report", "shutdown"}) {
    tests += ReadFile(
        absl::StrCat("client/session/broker_session_", part, "_test.cc"));
  }
  absl::RemoveExtraAsciiWhitespace(&tests);  // Some names are on a next line.
  const auto rows = TableOf("| state | event |");
  ASSERT_THAT(rows, Not(IsEmpty()));
  std::set<std::string> states;
  for (size_t r = 1; r < rows.size(); ++r) {
    ASSERT_EQ(rows[r].size(), 4u) << r;
    for (absl::string_view state : absl::StrSplit(rows[r][0], ", ")) {
      states.emplace(state);
    }
    for (absl::string_view name : absl::StrSplit(rows[r][3], ", ")) {
      // "Fixture.Test" where the fixture is not the usual one.
      const std::string test =
          absl::StrContains(name, '.')
              ? absl::StrCat("(", absl::StrReplaceAll(name, {{".", ", "}}), ")")
              : absl::StrCat("TEST_F(BrokerSessionTest, ", name, ")");
      EXPECT_TRUE(absl::StrContains(tests, test))
          << test << " for " << rows[r][0] << ", " << rows[r][1];
    }
  }
  for (const BrokerState state : kStates) {
    EXPECT_EQ(states.count(Enumerator(state)), 1u) << Name(state);
  }
}

}  // namespace
}  // namespace rmq
