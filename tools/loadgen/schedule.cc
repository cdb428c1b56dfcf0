#include "tools/loadgen/schedule.h"

#include <queue>
#include <random>
#include <vector>

#include "absl/time/time.h"

namespace rmq::loadgen {
namespace {

class EmptySchedule final : public Schedule {
 public:
  int64_t next_ns() const override { return kNever; }
  Due Take() override { return {0, kNever}; }
};

class RateSchedule final : public Schedule {
 public:
  RateSchedule(size_t streams, double rate, int64_t start_ns)
      : streams_(streams), period_ns_(1e9 / rate), start_ns_(start_ns) {}

  int64_t next_ns() const override {
    // From the start each time: no error adds up.
    return start_ns_ +
           static_cast<int64_t>(period_ns_ * static_cast<double>(taken_));
  }
  Due Take() override {
    const Due due = {taken_ % streams_, next_ns()};
    ++taken_;
    return due;
  }

 private:
  const size_t streams_;
  const double period_ns_;
  const int64_t start_ns_;
  size_t taken_ = 0;
};

class IntervalSchedule final : public Schedule {
 public:
  IntervalSchedule(size_t streams, absl::Duration interval, double jitter,
                   int64_t start_ns, uint64_t seed)
      : interval_ns_(static_cast<double>(absl::ToInt64Nanoseconds(interval))),
        jitter_(jitter),
        random_(seed) {
    std::uniform_real_distribution<double> phase(0, interval_ns_);
    for (size_t i = 0; i < streams; ++i) {
      queue_.push({i, start_ns + static_cast<int64_t>(phase(random_))});
    }
  }

  int64_t next_ns() const override { return queue_.top().time_ns; }
  Due Take() override {
    const Due due = queue_.top();
    queue_.pop();
    std::uniform_real_distribution<double> factor(1 - jitter_, 1 + jitter_);
    queue_.push(
        {due.stream,
         due.time_ns + static_cast<int64_t>(interval_ns_ * factor(random_))});
    return due;
  }

 private:
  struct Later {
    bool operator()(const Due& a, const Due& b) const {
      return a.time_ns > b.time_ns;
    }
  };

  const double interval_ns_;
  const double jitter_;
  std::mt19937_64 random_;
  std::priority_queue<Due, std::vector<Due>, Later> queue_;
};

}  // namespace

std::unique_ptr<Schedule> MakeSchedule(const LoadOptions& options,
                                       size_t streams, double share,
                                       int64_t start_ns, uint64_t seed) {
  if (streams == 0) return std::make_unique<EmptySchedule>();
  switch (options.pace.kind) {
    case Pace::Kind::kRate:
      return std::make_unique<RateSchedule>(streams, options.pace.rate * share,
                                            start_ns);
    case Pace::Kind::kInterval:
      return std::make_unique<IntervalSchedule>(streams, options.pace.interval,
                                                options.jitter, start_ns, seed);
    case Pace::Kind::kClosedLoop:
    case Pace::Kind::kSilent:
    case Pace::Kind::kOnce: break;
  }
  return std::make_unique<EmptySchedule>();
}

}  // namespace rmq::loadgen
