// `drain` of several brokers, which a simulation plays.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "client/broker_entry.h"
#include "client/discovery/resolver_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/drain_command.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a broker answers when it is asked how it is: "serving", "settling",
// "draining N", "drained", or that it is away.
struct Look {
  absl::Status error;
  pb::GetBrokerResponse facts;
};

Look Serving() {
  Look look;
  look.facts.set_state(pb::GetBrokerResponse::STATE_SERVING);
  return look;
}
Look Settling() {
  Look look = Serving();
  look.facts.mutable_settling_until()->set_seconds(1);
  return look;
}
Look NotInEtcd(const std::string& error) {
  Look look = Serving();
  pb::DiscoveryRegistration& registration = *look.facts.mutable_registration();
  registration.set_state(pb::DiscoveryRegistration::STATE_NOT_REGISTERED);
  registration.set_error(error);
  return look;
}
Look InEtcd() {
  Look look = Serving();
  look.facts.mutable_registration()->set_state(
      pb::DiscoveryRegistration::STATE_REGISTERED);
  return look;
}
Look ServingAs(const std::string& name, uint64_t id) {
  Look look = Serving();
  look.facts.set_broker_name(name);
  look.facts.set_broker_id(id);
  return look;
}
Look IsDraining(int64_t clients) {
  Look look;
  look.facts.set_state(pb::GetBrokerResponse::STATE_DRAINING);
  look.facts.set_channels(clients);
  return look;
}
Look Drained() {
  Look look;
  look.facts.set_state(pb::GetBrokerResponse::STATE_DRAINED);
  return look;
}
Look Away() { return {absl::UnavailableError("refused"), {}}; }

struct PlayedBroker {
  // What it answers before its drain.
  Look before = Serving();
  // The progress of its drain, and how the call ends.
  std::vector<pb::DrainProgress> progress;
  absl::Status end;
  // What it answers, one each second; the last one for good.
  std::deque<Look> looks;
};

pb::DrainProgress Progress(pb::DrainProgress::State state, int64_t left) {
  pb::DrainProgress progress;
  progress.set_state(state);
  progress.set_clients_at_start(9);
  progress.set_clients_left(left);
  return progress;
}

class DrainSeveralTest : public ::testing::Test {
 protected:
  DrainSeveralTest() {
    line_.brokers = {{"a:0", "h:1", {}}, {"b:0", "h:2", {}}};
    line_.timeout = absl::InfiniteDuration();
    for (PlayedBroker& broker : brokers_) {
      broker.progress = {Progress(pb::DrainProgress::STATE_DRAINING, 9),
                         Progress(pb::DrainProgress::STATE_DRAINED, 0)};
      broker.looks = {Serving()};
    }
  }

  absl::Status Run() {
    std::vector<FollowedBroker> followed;
    for (size_t i = 0; i < line_.brokers.size(); ++i) {
      followed.push_back({line_.brokers[i],
                          [this, i](const auto& request, const auto& on) {
                            return Drain(i, request, on);
                          },
                          [this, i](const auto&) { return LookAt(i); },
                          [this](const std::string& address) {
                            return Ask([this, address](const auto&) {
                              return AnswerOf(elsewhere_[address]);
                            });
                          }});
    }
    Screen screen = {out_,
                     /*is_terminal=*/false,
                     [] { return 80; },
                     [] { return 24; },
                     [this] { return now_ < interrupted_at_; },
                     [this] {
                       return TableTime{now_, absl::UTCTimeZone()};
                     }};
    screen.sleep = [this](absl::Duration time) { now_ += time; };
    screen.steady_now = [this] { return now_; };
    return DrainCommands()[0].follow(line_, followed, screen);
  }

  CommandLine line_;
  PlayedBroker brokers_[2];
  // What answers at other addresses.
  std::map<std::string, Look> elsewhere_;
  absl::Time now_ = absl::FromUnixSeconds(1'000);
  absl::Time interrupted_at_ = absl::InfiniteFuture();
  // Which drains began, as "a:0 for 300s", or were cancelled.
  std::vector<std::string> asked_;
  std::ostringstream out_;

 private:
  AdminStreamEnd Drain(
      size_t i, const google::protobuf::Message& message,
      const std::function<bool(const google::protobuf::Message&)>& on) {
    const auto& request = static_cast<const pb::DrainRequest&>(message);
    has_drained_[i] = true;
    asked_.push_back(absl::StrCat(
        line_.brokers[i].label, " ",
        request.cancel()
            ? "cancel"
            : absl::StrCat("for ", request.duration().seconds(), "s")));
    for (const pb::DrainProgress& progress : brokers_[i].progress) {
      if (!on(progress)) return {absl::CancelledError("enough"), "", {}};
    }
    return {brokers_[i].end, "", {}};
  }

  using Answered = absl::StatusOr<std::unique_ptr<google::protobuf::Message>>;

  static Answered AnswerOf(const Look& look) {
    if (!look.error.ok()) return look.error;
    return std::make_unique<pb::GetBrokerResponse>(look.facts);
  }

  Answered LookAt(size_t i) {
    // Before its drain it is as it should be, and that takes no time.
    if (!has_drained_[i]) return AnswerOf(brokers_[i].before);
    std::deque<Look>& looks = brokers_[i].looks;
    const Look look = looks.front();
    if (looks.size() > 1) looks.pop_front();
    return AnswerOf(look);
  }

  bool has_drained_[2] = {};
};

TEST_F(DrainSeveralTest, OneByOneTheNextWaitsUntilTheOneBeforeServesAgain) {
  line_.values["one-by-one"] = "true";
  brokers_[0].looks = {Drained(),  Away(),     Away(),   Away(),
                       Settling(), Settling(), Serving()};
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s", "b:0 for 300s"));
  EXPECT_EQ(now_, absl::FromUnixSeconds(1'006));
  EXPECT_EQ(out_.str(),
            "a:0: 9 of 9 clients left, 0 to go\n"
            "a:0: drained: all clients are gone, and the broker takes no "
            "clients until cmctl drain --cancel\n"
            "a:0: restart it, or cancel its drain (--broker=h:1): b:0 is "
            "drained when it serves again\n"
            "a:0: does not answer\n"
            "a:0: serves, and settles\n"
            "a:0: serves again\n"
            "b:0: 9 of 9 clients left, 0 to go\n"
            "b:0: drained: all clients are gone, and the broker takes no "
            "clients until cmctl drain --cancel\n"
            "b:0: restart it, or cancel its drain (--broker=h:2)\n");
}

TEST_F(DrainSeveralTest, OneByOneNoBrokerIsDrainedAfterOneThatFailed) {
  line_.values["one-by-one"] = "true";
  brokers_[0].progress = {};
  brokers_[0].end = absl::PermissionDeniedError("not you");
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kPermissionDenied,
                              "a:0: not you; not drained: b:0"));
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s"));
}

TEST_F(DrainSeveralTest, OneByOneTheTimeIsThatOfAll) {
  line_.values["one-by-one"] = "true";
  line_.timeout = absl::Seconds(10);
  brokers_[0].looks = {Drained()};
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "10s are over: a:0 is drained, and does not serve "
                       "again; not drained: b:0"));
  EXPECT_EQ(now_, absl::FromUnixSeconds(1'010));
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s"));
}

TEST_F(DrainSeveralTest, OneByOneABrokerThatIsNotInEtcdIsWaitedFor) {
  line_.values["one-by-one"] = "true";
  brokers_[0].looks = {Settling(), NotInEtcd("refused"), NotInEtcd("lost"),
                       InEtcd()};
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s", "b:0 for 300s"));
  EXPECT_EQ(now_, absl::FromUnixSeconds(1'003));
  EXPECT_THAT(out_.str(), HasSubstr("a:0: serves, and settles\n"
                                    "a:0: serves, and is not in etcd: refused\n"
                                    "a:0: serves again\n"));
}

TEST_F(DrainSeveralTest, OneByOneWhyABrokerIsNotInEtcdIsToldAtTheEnd) {
  line_.values["one-by-one"] = "true";
  line_.timeout = absl::Seconds(10);
  brokers_[0].looks = {NotInEtcd("")};
  pb::DiscoveryRegistration& registration =
      *brokers_[0].looks[0].facts.mutable_registration();
  registration.set_state(pb::DiscoveryRegistration::STATE_NAME_IN_USE);
  registration.set_holder("a at h:9");
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "10s are over: a:0 was drained, and serves, and is not "
                       "in etcd: another broker has its name and id, a at "
                       "h:9; not drained: b:0"));
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s"));
}

TEST_F(DrainSeveralTest, OneByOneAnotherBrokerAtTheAddressIsNotTheOneThatWas) {
  line_.values["one-by-one"] = "true";
  brokers_[0].looks = {ServingAs("c", 0), ServingAs("", 1), Serving()};
  EXPECT_THAT(Run(), IsOk());
  EXPECT_EQ(now_, absl::FromUnixSeconds(1'002));
  EXPECT_THAT(out_.str(), HasSubstr("a:0: answers as another broker, c:0\n"
                                    "a:0: answers as another broker, :1\n"
                                    "a:0: serves again\n"));
}

// Lists the brokers of a cluster.
class FakeSource final : public ResolverSource {
 public:
  explicit FakeSource(std::vector<BrokerEntry> brokers)
      : brokers_(std::move(brokers)) {}
  void AddListener(std::weak_ptr<Listener> listener) override {
    if (const auto heard = listener.lock()) heard->OnBrokers(brokers_);
  }
  ResolverStatus Status() const override { return {}; }

 private:
  const std::vector<BrokerEntry> brokers_;
};

TEST_F(DrainSeveralTest, OneByOneABrokerIsFoundAtItsNewAddressByItsName) {
  line_.values["one-by-one"] = "true";
  line_.source = std::make_shared<FakeSource>(std::vector<BrokerEntry>{
      {"a", 1, "h:8"}, {"a", 0, "h:9"}, {"b", 0, "h:2"}});
  brokers_[0].before = ServingAs("a", 0);
  brokers_[0].looks = {Away()};
  elsewhere_["h:8"] = ServingAs("a", 1);
  elsewhere_["h:9"] = ServingAs("a", 0);
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s", "b:0 for 300s"));
  EXPECT_THAT(out_.str(), HasSubstr("a:0: serves again at h:9\n"));
}

TEST_F(DrainSeveralTest, OneByOneWhoIsListedByTheNameMustBeTheOneThatWas) {
  line_.values["one-by-one"] = "true";
  line_.timeout = absl::Seconds(10);
  line_.source =
      std::make_shared<FakeSource>(std::vector<BrokerEntry>{{"a", 0, "h:9"}});
  brokers_[0].before = ServingAs("a", 0);
  brokers_[0].looks = {Away()};
  elsewhere_["h:9"] = ServingAs("c", 0);
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kDeadlineExceeded,
                              "10s are over: a:0 was drained, and does not "
                              "answer; not drained: b:0"));
}

TEST_F(DrainSeveralTest, OneByOneABrokerMayBeAwayForLessThanAnHour) {
  line_.values["one-by-one"] = "true";
  brokers_[0].looks.assign(3600, Away());
  brokers_[0].looks.push_back(Serving());
  EXPECT_THAT(Run(), IsOk());
  EXPECT_EQ(now_, absl::FromUnixSeconds(1'000) + absl::Hours(1));
}

TEST_F(DrainSeveralTest, OneByOneABrokerIsGivenUpThatIsNotFoundForAnHour) {
  line_.values["one-by-one"] = "true";
  brokers_[0].looks = {Drained(), Away()};
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kUnavailable,
                       "a:0 was drained, and is not back after 1h: it does not "
                       "answer; with --cluster it is found at another address "
                       "too; not drained: b:0"));
  EXPECT_EQ(now_, absl::FromUnixSeconds(1'000) + absl::Hours(1));
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s"));
}

TEST_F(DrainSeveralTest, OneByOneAnInterruptSaysWhatIsNotDrained) {
  line_.values["one-by-one"] = "true";
  brokers_[0].looks = {Drained()};
  interrupted_at_ = now_ + absl::Seconds(3);
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s"));
  EXPECT_THAT(out_.str(), HasSubstr("a:0 is drained; not drained: b:0\n"));
}

TEST_F(DrainSeveralTest, AllDrainAtTheSameTime) {
  line_.values["all"] = "true";
  brokers_[0].looks = {IsDraining(9), IsDraining(5), Drained()};
  brokers_[1].looks = {IsDraining(9), IsDraining(9), IsDraining(1), Drained()};
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s", "b:0 for 300s"));
  EXPECT_EQ(out_.str(),
            "a:0: 9 of 9 clients left, 0 to go\n"
            "b:0: 9 of 9 clients left, 0 to go\n"
            "a:0: 5 of 9 clients left, 0 to go\n"
            "a:0: drained: all clients are gone, and the broker takes no "
            "clients until cmctl drain --cancel\n"
            "b:0: 1 of 9 clients left, 0 to go\n"
            "b:0: drained: all clients are gone, and the broker takes no "
            "clients until cmctl drain --cancel\n"
            "while they are drained their cluster does not list them: cmctl "
            "drain --all --cancel --broker=h:1,h:2 lets clients in again\n");
}

TEST_F(DrainSeveralTest, OfAllTheWayBackHasTheAddressesOfThoseThatDrain) {
  line_.values["all"] = "true";
  line_.values["no-wait"] = "true";
  brokers_[1].progress = {};
  brokers_[1].end = absl::UnavailableError("refused");
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kAborted, "b:0: refused"));
  EXPECT_THAT(out_.str(), HasSubstr("the drains go on; cmctl drain --all "
                                    "--cancel --broker=h:1 ends them\n"));
}

TEST_F(DrainSeveralTest,
       OfAllBrokersThatAreAskedByAddressTheWayBackIsAsBefore) {
  line_.values["all"] = "true";
  line_.values["no-wait"] = "true";
  line_.brokers = {{"h:1", "h:1", {}}, {"h:2", "h:2", {}}};
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(
      out_.str(),
      HasSubstr("the drains go on; cmctl drain --all --cancel ends them\n"));
}

TEST_F(DrainSeveralTest, OfAllEachErrorIsToldAndTheOthersDrain) {
  line_.values["all"] = "true";
  brokers_[0].progress = {};
  brokers_[0].end = absl::UnavailableError("refused");
  brokers_[1].looks = {Drained()};
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kAborted, "a:0: refused"));
  EXPECT_THAT(out_.str(), HasSubstr("b:0: drained"));
}

TEST_F(DrainSeveralTest, OfAllABrokerMayBeSilentTwiceAndNotThrice) {
  line_.values["all"] = "true";
  brokers_[0].looks = {Away(), Away(), Drained()};
  brokers_[1].looks = {Away(), Away(), Away(), Drained()};
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kAborted, "b:0: refused"));
  EXPECT_THAT(out_.str(), HasSubstr("a:0: drained"));
}

TEST_F(DrainSeveralTest, OfAllABrokerThatServesAgainHasNotDrained) {
  line_.values["all"] = "true";
  brokers_[0].looks = {Drained()};
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kAborted,
                              "b:0: it serves: its drain was cancelled, or it "
                              "was restarted"));
}

TEST_F(DrainSeveralTest, OfAllWhoIsLeftWhenTheTimeIsOverIsTold) {
  line_.values["all"] = "true";
  line_.timeout = absl::Seconds(2);
  brokers_[0].looks = {Drained()};
  brokers_[1].looks = {IsDraining(4)};
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "b:0: 4 clients are left; 2s are over, and the drains "
                       "go on; cmctl drain --all --cancel --broker=h:1,h:2 "
                       "ends them"));
}

TEST_F(DrainSeveralTest, AllBeginAndAreNotAwaitedWithNoWait) {
  line_.values["all"] = "true";
  line_.values["no-wait"] = "true";
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 for 300s", "b:0 for 300s"));
  EXPECT_THAT(out_.str(),
              HasSubstr("the drains go on; cmctl drain --all --cancel "
                        "--broker=h:1,h:2 ends them\n"));
}

TEST_F(DrainSeveralTest, AllAreCancelled) {
  line_.values["all"] = "true";
  line_.values["cancel"] = "true";
  for (PlayedBroker& broker : brokers_) {
    broker.progress = {Progress(pb::DrainProgress::STATE_CANCELLED, 7)};
  }
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(asked_, ElementsAre("a:0 cancel", "b:0 cancel"));
  EXPECT_EQ(out_.str(),
            "a:0: the broker takes clients, and has 7\n"
            "b:0: the broker takes clients, and has 7\n");
}

TEST_F(DrainSeveralTest, JsonHasTheBrokerOfEachObject) {
  line_.values["one-by-one"] = "true";
  line_.output = OutputFormat::kJson;
  EXPECT_THAT(Run(), IsOk());
  EXPECT_THAT(
      out_.str(),
      testing::StartsWith("{\"broker\":\"a:0\",\"state\":\"STATE_DRAINING\","));
  EXPECT_THAT(out_.str(),
              HasSubstr("\n{\"broker\":\"b:0\",\"state\":\"STATE_DRAINED\","));
}

TEST_F(DrainSeveralTest, WithoutAChoiceSeveralBrokersAreRefused) {
  const Command drain = DrainCommands()[0];
  EXPECT_THAT(drain.check_brokers(line_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "drain is about one broker, got 2 (a:0, b:0): name one "
                       "by --broker, or give --one-by-one or --all"));
  line_.values["one-by-one"] = "true";
  EXPECT_THAT(drain.check_brokers(line_), IsOk());
  line_.values["one-by-one"] = "";
  line_.values["all"] = "true";
  EXPECT_THAT(drain.check_brokers(line_), IsOk());
  line_.values["all"] = "";
  line_.brokers.pop_back();
  EXPECT_THAT(drain.check_brokers(line_), IsOk());
  EXPECT_THAT(asked_, IsEmpty());
}

}  // namespace
}  // namespace rmq::cmctl
