#include "tools/cmctl/doctor_checks.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/doctor_finders.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kNow = 1'000'000;
constexpr int64_t kDay = 24 * 3600;

// One with which nothing is wrong.
Patient Healthy(const std::string& label) {
  Patient patient;
  patient.view.label = label;
  patient.view.has_facts = true;
  pb::GetBrokerResponse& facts = patient.view.facts;
  facts.set_cluster("shop");
  facts.set_broker_name(label);
  facts.set_broker_incarnation(1 + label[0]);
  facts.set_version("0.1.0");
  facts.set_state(pb::GetBrokerResponse::STATE_SERVING);
  facts.mutable_now()->set_seconds(kNow);
  facts.set_auth(pb::GetBrokerResponse::AUTH_MODE_ON);
  pb::ServedAddress* const address = facts.add_addresses();
  address->set_address("0.0.0.0:1");
  address->set_security(pb::ServedAddress::SECURITY_TLS);
  address->set_is_remote(true);
  facts.mutable_certificate_not_after()->set_seconds(kNow + 365 * kDay);
  facts.set_max_channels(100);
  facts.mutable_channel_expiry()->set_seconds(120);
  facts.mutable_min_channel_expiry()->set_seconds(10);
  facts.mutable_max_channel_expiry()->set_seconds(1800);
  patient.policy.set_auto_create_subscription_group(true);
  patient.policy.set_notify_consumer_ids_changed_enable(true);
  return patient;
}

// Of streams that are no channels.
pb::DuplicateClientId Duplicate(const std::string& client_id,
                                int64_t seconds_ago) {
  pb::DuplicateClientId duplicate;
  duplicate.set_client_id(client_id);
  duplicate.mutable_since()->set_seconds(kNow - seconds_ago);
  return duplicate;
}

class DoctorChecksTest : public ::testing::Test {
 protected:
  // "SEVERITY check broker: what".
  std::vector<std::string> Found() {
    std::vector<std::string> found;
    for (const Finding& finding : Diagnose(patients_)) {
      EXPECT_NE(finding.meaning, "");
      EXPECT_NE(finding.remedy, "");
      found.push_back(std::string(Name(finding.severity)) + " " +
                      std::string(finding.check) + " " + finding.broker + ": " +
                      finding.what);
    }
    return found;
  }
  pb::GetBrokerResponse& facts() { return patients_[0].view.facts; }

  Patients patients_ = {Healthy("a"), Healthy("b")};
};

TEST_F(DoctorChecksTest, NothingIsWrongWithHealthyBrokers) {
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DoctorChecksTest, PlaintextThatOthersReachIsAnError) {
  facts().mutable_addresses(0)->set_security(
      pb::ServedAddress::SECURITY_PLAINTEXT);
  EXPECT_THAT(Found(), ElementsAre("ERROR plaintext a: other machines reach "
                                   "0.0.0.0:1 without TLS"));
  facts().mutable_addresses(0)->set_is_remote(false);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DoctorChecksTest, WhoIsReachedMustAskWhoCalls) {
  facts().set_auth(pb::GetBrokerResponse::AUTH_MODE_OFF);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("ERROR anonymous a")));
  facts().set_client_certificates_required(true);
  EXPECT_THAT(Found(), IsEmpty());
  facts().set_client_certificates_required(false);
  facts().mutable_addresses(0)->set_is_remote(false);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DoctorChecksTest, AuthThatOnlyLogsIsAWarning) {
  facts().set_auth(pb::GetBrokerResponse::AUTH_MODE_LOG);
  facts().set_client_certificates_required(true);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("WARNING auth-log a")));
}

TEST_F(DoctorChecksTest, ACertificateThatEndsSoonIsAWarningAndThenAnError) {
  auto* const ends = facts().mutable_certificate_not_after();
  ends->set_seconds(kNow + 30 * kDay);
  EXPECT_THAT(Found(), IsEmpty());
  ends->set_seconds(kNow + 30 * kDay - 1);
  EXPECT_THAT(Found(), ElementsAre("WARNING certificate a: its certificate "
                                   "expires on 1970-02-11 13:46 UTC"));
  ends->set_seconds(kNow + 7 * kDay);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("WARNING certificate")));
  ends->set_seconds(kNow + 7 * kDay - 1);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("ERROR certificate")));
  ends->set_seconds(kNow);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("has expired on")));
}

TEST_F(DoctorChecksTest, ABrokerThatSettlesIsANoteAndOneThatDrainsAWarning) {
  facts().mutable_settling_until()->set_seconds(kNow + 12);
  EXPECT_THAT(Found(), ElementsAre("NOTE settling a: it has started lately, "
                                   "and settles for another 12s"));
  facts().clear_settling_until();
  facts().set_state(pb::GetBrokerResponse::STATE_DRAINED);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("WARNING draining a")));
}

TEST_F(DoctorChecksTest, WhatIsNotComparedIsANote) {
  patients_[1].view.has_more_clients = true;
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("not all clients and groups are "
                                             "compared")));
}

TEST_F(DoctorChecksTest, GroupsAndIdsThatAreWrongAreNamed) {
  patients_[0].inconsistent_groups = {"g1", "g2", "g3", "g4", "g5", "g6"};
  patients_[1].duplicates = {Duplicate("c1", 0)};
  patients_[1].duplicates[0].add_channels();
  EXPECT_THAT(
      Found(),
      ElementsAre("ERROR subscriptions a: members of g1, g2, g3, g4, g5 and 1 "
                  "more state different subscriptions",
                  "ERROR duplicate-ids b: several processes use a client id (1 "
                  "id): c1"));
  patients_[1].has_more_duplicates = true;
  EXPECT_THAT(Found(), Contains(HasSubstr("(more than 1 id): c1")));
}

TEST_F(DoctorChecksTest, TwoStreamsOfAnSdkAreANoteUntilTheyHaveLastedAMinute) {
  patients_[0].duplicates = {Duplicate("sdk", 59)};
  EXPECT_THAT(Found(),
              ElementsAre("NOTE duplicate-ids a: SDK clients share an id for "
                          "less than 1m: sdk; that is one process if it has "
                          "opened its stream anew, or has another address: ask "
                          "again in a minute"));
  patients_[0].duplicates = {Duplicate("sdk", 60), Duplicate("sdk2", 61)};
  EXPECT_THAT(Found(),
              ElementsAre("ERROR duplicate-ids a: several processes use a "
                          "client id (2 ids): sdk, sdk2"));
}

TEST_F(DoctorChecksTest, AClientOnOneBrokerOnlyIsAWarning) {
  patients_[0].view.clients["c1"].opened = absl::FromUnixSeconds(1);
  EXPECT_THAT(Found(), ElementsAre("WARNING disagreement : client: c1 on a; "
                                   "not on b"));
}

TEST_F(DoctorChecksTest, BrokersOfDifferentKindsAreWarnings) {
  facts().set_version("0.2.0");
  facts().set_cluster("other");
  facts().mutable_channel_expiry()->set_seconds(60);
  EXPECT_THAT(
      Found(),
      ElementsAre("WARNING versions : the version differs: 0.1.0 at b; 0.2.0 "
                  "at a",
                  "WARNING clusters : the cluster differs: other at a; shop at "
                  "b",
                  HasSubstr("WARNING expiry : how long a silent client is "
                            "kept differs: 120s (10s to 1800s if a client "
                            "asks) at b; 60s")));
}

TEST_F(DoctorChecksTest, TwoBrokersOfOneNameAreAnErrorAndOneAskedTwiceANote) {
  facts().set_broker_name("b");
  EXPECT_THAT(Found(), ElementsAre("ERROR identity : a, b are different "
                                   "brokers, and each is called shop/b/0"));
  facts().set_broker_incarnation(patients_[1].view.facts.broker_incarnation());
  EXPECT_THAT(Found(),
              ElementsAre(HasSubstr(
                  "NOTE identity : a, b are addresses of one broker")));
}

TEST_F(DoctorChecksTest, AClockThatIsOffIsAWarningUnlessTheAnswerTookSoLong) {
  patients_[0].view.clock_ahead = absl::Seconds(2);
  EXPECT_THAT(Found(), IsEmpty());
  patients_[0].view.clock_ahead = absl::Milliseconds(-2150);
  EXPECT_THAT(Found(), ElementsAre("WARNING clocks a: its clock is 2.1s behind "
                                   "this machine's"));
  patients_[0].view.clock_error = absl::Milliseconds(150);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DoctorChecksTest, HalfOfTheChannelsIsAWarningAndNineTenthsAnError) {
  facts().set_channels(49);
  EXPECT_THAT(Found(), IsEmpty());
  facts().set_channels(50);
  EXPECT_THAT(Found(), ElementsAre("WARNING full a: 50 of at most 100 channels "
                                   "are open"));
  facts().set_channels(89);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("WARNING full")));
  facts().set_channels(90);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("ERROR full")));
  facts().set_channels(0);
  facts().set_refused_channels(3);
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("WARNING refused a: it has "
                                             "refused 3 clients")));
}

TEST_F(DoctorChecksTest, AnExpiryOutsideOfItsBoundsIsANote) {
  for (Patient& patient : patients_) {
    patient.view.facts.mutable_min_channel_expiry()->set_seconds(120);
  }
  EXPECT_THAT(Found(), IsEmpty());
  for (Patient& patient : patients_) {
    patient.view.facts.mutable_min_channel_expiry()->set_seconds(121);
  }
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("NOTE expiry-bounds a"),
                                   HasSubstr("NOTE expiry-bounds b")));
}

TEST_F(DoctorChecksTest, SwitchesThatKeepGroupsOutAreFound) {
  patients_[0].policy.set_auto_create_subscription_group(false);
  patients_[0].policy.set_notify_consumer_ids_changed_enable(false);
  pb::PassedOverGroups* const groups = facts().add_passed_over();
  groups->set_reason(pb::SkippedGroup::REASON_NO_SUCH_GROUP);
  groups->set_times(4);
  EXPECT_THAT(
      Found(),
      ElementsAre(
          "WARNING passed-over a: groups of heartbeats were passed over "
          "since its start: REASON_NO_SUCH_GROUP 4 times",
          HasSubstr("WARNING not-told a"), HasSubstr("NOTE no-auto-create a")));
}

TEST_F(DoctorChecksTest, ABrokerThatIsAwayIsNotDiagnosed) {
  facts().set_auth(pb::GetBrokerResponse::AUTH_MODE_LOG);
  patients_[0].view.status = absl::UnavailableError("away");
  EXPECT_THAT(Found(), IsEmpty());
}

TEST(AllChecksTest, EachHasANameOfItsOwnAndASummary) {
  std::vector<std::string> names;
  for (const CheckInfo& check : AllChecks()) {
    names.emplace_back(check.name);
    EXPECT_NE(check.summary, "");
    EXPECT_LT(check.name.size(), 16);  // The help's left column.
  }
  EXPECT_EQ(names.size(), 21);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

TEST_F(DoctorChecksTest, BrokersThatDoNotRegisterAreFine) {
  EXPECT_FALSE(facts().has_registration());
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DoctorChecksTest, ABrokerThatIsNotInEtcdIsAnErrorOnceALeaseIsOver) {
  patients_.pop_back();
  pb::DiscoveryRegistration& registration = *facts().mutable_registration();
  registration.set_state(pb::DiscoveryRegistration::STATE_REGISTERED);
  registration.mutable_lease()->set_seconds(10);
  EXPECT_THAT(Found(), IsEmpty());
  registration.set_error("refused");
  EXPECT_THAT(Found(),
              ElementsAre("WARNING not-in-etcd a: it cannot keep its entry in "
                          "etcd, which goes 10s after the last time that it "
                          "could: refused"));
  registration.set_state(pb::DiscoveryRegistration::STATE_NOT_REGISTERED);
  registration.mutable_since()->set_seconds(kNow - 10);
  EXPECT_THAT(Found(), ElementsAre("NOTE not-in-etcd a: it is not in etcd, "
                                   "for 10s: refused"));
  registration.mutable_since()->set_seconds(kNow - 11);
  EXPECT_THAT(Found(), ElementsAre("ERROR not-in-etcd a: it is not in etcd, "
                                   "for 11s: refused"));
  registration.set_state(pb::DiscoveryRegistration::STATE_NAME_IN_USE);
  registration.set_holder("a at h:1");
  EXPECT_THAT(Found(), ElementsAre("ERROR not-in-etcd a: it is not in etcd: "
                                   "another broker has its name and id, a at "
                                   "h:1"));
  registration.set_state(pb::DiscoveryRegistration::STATE_WITHDRAWING);
  EXPECT_THAT(Found(), ElementsAre("WARNING not-in-etcd a: it drains, and its "
                                   "entry is still in etcd, for 11s: refused"));
  registration.set_state(pb::DiscoveryRegistration::STATE_WITHDRAWN);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DoctorChecksTest, WhereSomeBrokersRegisterTheOthersShould) {
  facts().mutable_registration()->set_state(
      pb::DiscoveryRegistration::STATE_REGISTERED);
  // An older broker with --etcd does not tell of that.
  EXPECT_THAT(Found(), ElementsAre("WARNING not-in-etcd b: it does not tell of "
                                   "etcd, and other brokers do: it has no "
                                   "--etcd, or is of an older version"));
}

}  // namespace
}  // namespace rmq::cmctl
