// The log of who joins and leaves.
#ifndef BROKER_LOGGING_CLIENT_EVENT_LOGGER_H_
#define BROKER_LOGGING_CLIENT_EVENT_LOGGER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/logging/shared_rate.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/labels.h"
#include "common/clock.h"
#include "common/payer.h"

namespace rmq {

// One line for all groups that a channel joined, or left for one reason, by one
// call or piece of a scan:
//
//   joined kind=consumer group=orders client_id=c1 channel=7 remote=...
//   joined kind=consumer group=orders ... labels=host=h1,zone=a
//   left kind=consumer groups=20 group=orders,payments,refunds,... client_id=c1
//       channel=7 remote=... reason=EXPIRED
//
// "replaced" stands for "left" if a newer stream of the same client took over.
// `group` has the first kMaxNames groups; `kind` both kinds if there are both.
// `labels` are there if the channel has any: the first kMaxLabelBytes bytes.
//
// Warnings have a line each:
//
//   duplicate client_id=c1 channel=9 remote=... other=...
//   inconsistent group=orders difference="topic ..."
//   consistent group=orders
//
// Clients come and go as they like: of more than kLinesPerSecond lines (and
// kBurst at once) the rest are left out, and the next line is preceded by "left
// out N membership lines", once in kTellPeriod at most. Warnings have a lower
// limit of their own, so that they do not take the lines of others:
// kWarningsPerSecond, kWarningBurst, "left out N warnings". Nor can one payer
// take all lines of either: see SharedRate. Those about groups, which are
// nobody's, have one payer together.
//
// Called as ClientTable calls its listeners, by one thread at a time.
class ClientEventLogger final : public ClientEventListener {
 public:
  static constexpr int32_t kLinesPerSecond = 200;
  static constexpr int32_t kBurst = 1000;
  static constexpr int32_t kWarningsPerSecond = 10;
  static constexpr int32_t kWarningBurst = 100;
  static constexpr absl::Duration kTellPeriod = absl::Seconds(1);
  static constexpr size_t kMaxNames = 3;
  static constexpr size_t kMaxLabelBytes = 256;

  // `clock` is borrowed.
  explicit ClientEventLogger(Clock* clock)
      : clock_(*clock),
        lines_budget_(kLinesPerSecond, kBurst, "membership lines"),
        warnings_budget_(kWarningsPerSecond, kWarningBurst, "warnings") {}
  // Logs how many lines were left out since the last one.
  ~ClientEventLogger() override;

  void OnClientEvent(const ClientEvent& event) override;
  void OnEventsDelivered() override { WriteLines(); }

  // Lines that were left out since the start. Thread-safe.
  int64_t lines_left_out() const { return lines_left_out_; }

 private:
  struct Line {
    EventType type = EventType::kClientRegister;
    RemovalReason reason = RemovalReason::kUnregistered;
    std::shared_ptr<ClientChannel> channel;
    LabelsPtr labels;
    Payer payer;
    std::string client_id;
    bool has_consumers = false;
    bool has_producers = false;
    size_t groups = 0;
    // Of the first kMaxNames groups, with commas.
    std::string names;
  };

  Line& LineOf(const ClientEvent& event);
  void LogWarning(const ClientEvent& event);
  // How many lines of one kind may be written.
  struct Budget {
    Budget(int32_t per_second, int32_t burst, absl::string_view what)
        : rate(per_second, burst), per_second(per_second), what(what) {}

    SharedRate rate;
    const int32_t per_second;
    const absl::string_view what;
    int64_t left_out_untold = 0;
    // When it was told last what was left out.
    absl::Time told = absl::InfinitePast();
  };

  // Whether a line about a client of `payer` may be written now. If so, tells
  // what was left out before.
  bool TakeLine(const Payer& payer, Budget* budget);
  static void TellLeftOut(Budget* budget);
  void WriteLines();

  Clock& clock_;
  Budget lines_budget_;
  Budget warnings_budget_;
  // Of `revision_`, in the order of their first events.
  std::vector<Line> lines_;
  uint64_t revision_ = 0;
  std::atomic<int64_t> lines_left_out_{0};
};

}  // namespace rmq

#endif  // BROKER_LOGGING_CLIENT_EVENT_LOGGER_H_
