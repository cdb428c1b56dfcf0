// The declared differences between RocketMQ and this broker.
#ifndef TESTS_CONFORMANCE_JAVA_SWITCHES_H_
#define TESTS_CONFORMANCE_JAVA_SWITCHES_H_

#include <bitset>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rmq::conformance {

// The declared differences. The table in README.md has a row for each, which
// differences_test.cc compares with Name().
enum class Switch {
  // A scan that removes a consumer makes CHANGE and pushes.
  kExpiryNotifiesSurvivors,
  // A scan that empties a consumer group makes UNREGISTER.
  kExpiryUnregistersEmptiedGroup,
  // A topic's groups are those that subscribe to the topic now.
  kTopicIndexIsLive,
  // A close honours the group's notification switch.
  kCloseHonoursNotificationOff,
  // An unregister by a channel that is not in the group makes no event.
  kStrangerUnregisterIsSilent,
  // A client is found by any producer registration that it still has.
  kProducerLookupIsKept,
  // Groups that one V1 heartbeat enters do not share a time stamp. RocketMQ has
  // this on since 5.5.1.
  kEachGroupHasItsClock,
  // Groups that one V2 heartbeat enters do not share a time stamp.
  kEachGroupHasItsClockInV2,
  // A V2 heartbeat without subscriptions is a light one: it renews the
  // channel's
  // current statement and registers nothing. The answer says whether the
  // heartbeat repeats that statement.
  kLightHeartbeat,
  // A channel is closed only if it is silent itself, counted from its opening.
  // A group that later heartbeats of the channel leave out expires alone.
  kOnlySilenceClosesAChannel,
  // Producers expire after channelExpiredTimeoutMs too.
  kOneChannelExpiry,
  // A producer that registers makes CLIENT_REGISTER.
  kProducersAreToldToo,
  // enableRegisterProducer=false alone keeps new producers out.
  kProducerSwitchIsHonoured,
  // enableFastChannelEventProcess changes nothing: every close knows the
  // channel's groups.
  kEveryCloseIsComplete,
  // A closed channel registers nothing.
  kClosedChannelRegistersNothing,
  // Changes of a group in one operation are pushed once.
  kPushesCoalesce,
  // A call that would end in an exception half way through is refused before it
  // changes anything.
  kEdgeRefusesBadForm,
  // Tag and code sets are those of the expression. No expression type is TAG.
  kTagSetsAreDerived,
  // Java's built-in consumer groups (TOOLS_CONSUMER, ...) are ordinary groups.
  kNoBuiltInGroups,
  // A channel's first full heartbeat closes the older channel of the same
  // incarnation of its client.
  kReconnectReplaces,
  // A unary call acts on its client's stand-in: a channel that a full heartbeat
  // opens, that gets no push, and that closes with its last group.
  kUnaryCallsHaveAStandIn,
  // A tick that is late by more than a period first counts everyone as heard.
  kAPauseExpiresNobody,
  // A consumer group's topics, expressions and modes are made of what each of
  // its members stated last. Java's are those of the latest heartbeat.
  kAGroupIsWhatItsMembersState,
  // Of two numbered channels of one incarnation, the one with the smaller
  // number
  // closes, whichever was opened later.
  kAnOlderStreamNeverWins,
  // Language and version are those of the channel's latest full heartbeat, in
  // all its groups. Java's are those with which it joined each of them.
  kARestatedProgramCounts,
  kCount,
};

using Switches = std::bitset<static_cast<size_t>(Switch::kCount)>;

inline Switches AllSwitches() { return ~Switches(); }

// The name in words: "expiry notifies survivors".
const char* Name(Switch which);

// The release of RocketMQ that this project is held against.
inline constexpr char kReferenceRelease[] = "5.5.1";

// The switches that a release of RocketMQ, as a recording's header names it,
// has on. InvalidArgument for one that is not known; it names those that are.
absl::StatusOr<Switches> SwitchesOf(absl::string_view release);

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_JAVA_SWITCHES_H_
