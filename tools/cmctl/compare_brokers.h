// Where brokers disagree.
#ifndef TOOLS_CMCTL_COMPARE_BROKERS_H_
#define TOOLS_CMCTL_COMPARE_BROKERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tools/cmctl/broker_view.h"

namespace rmq::cmctl {

struct Disagreement {
  // "client", "groups of client", "subscriptions", "epoch".
  std::string what;
  // The client id, or the consumer group.
  std::string name;
  // "on b1, b2; not on b3".
  std::string detail;
};

struct Comparison {
  std::vector<Disagreement> disagreements;
  // Those of them that are left out, by what they are about.
  std::map<std::string, int64_t> left_out;
  // How many brokers, clients and consumer groups were compared.
  int64_t brokers = 0;
  int64_t clients = 0;
  int64_t groups = 0;
  // A broker had more clients or groups than were read.
  bool is_partial = false;
  // What was not compared, and why, each a line.
  std::vector<std::string> notes;

  bool agrees() const { return disagreements.empty(); }
};

// A client that came less than this before it was read may be still on its way
// to other brokers.
inline constexpr absl::Duration kOnItsWay = absl::Seconds(10);

// Compares the brokers that are comparable. Keeps at most `most` disagreements
// of each kind, and counts the others. A client is compared if no broker has
// more clients than were read, and so are groups.
Comparison CompareBrokers(const std::vector<BrokerView>& brokers, size_t most);

// The epochs of consumer groups at a broker, at two times.
struct EpochView {
  std::string label;
  std::map<std::string, uint64_t> before;
  std::map<std::string, uint64_t> after;
};
// Adds the groups whose epoch moved on at some of the brokers that have them,
// and stood still at others.
void CompareEpochs(const std::vector<EpochView>& brokers, size_t most,
                   Comparison* comparison);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMPARE_BROKERS_H_
