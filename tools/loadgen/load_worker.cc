#include "tools/loadgen/load_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/mutex_lock.h"
#include "common/rpc/loop/completion_loop.h"
#include "grpc/support/time.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/time.h"

namespace rmq::loadgen {
namespace {

constexpr size_t kErrorsKept = 3;
// What other threads tell a worker is seen this much later at most.
constexpr int64_t kLongestWaitNs = 20'000'000;
constexpr int64_t kCheckPeriodNs = 1'000'000'000;

gpr_timespec ToDeadline(int64_t time_ns, int64_t now_ns) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(std::max<int64_t>(0, time_ns - now_ns),
                          GPR_TIMESPAN));
}

}  // namespace

LoadWorker::LoadWorker(const LoadOptions& options, const ClientFrames& frames,
                       const std::shared_ptr<ChannelSecurity>& security,
                       int index, LoadCounters* counters)
    : options_(options),
      index_(index),
      counters_(*counters),
      environment_{&frames, &queues_, this, options.light, options.hold_lists},
      random_(options.seed + static_cast<uint64_t>(index)) {
  for (int c = index; c < options.connections; c += options.threads) {
    connections_.push_back(
        std::make_unique<LoadConnection>(options.broker, security));
  }
  // In the order of clients, so that connections are used in turn.
  for (int client = 0; client < options.streams; ++client) {
    const int connection = client % options.connections;
    if (connection % options.threads != index) continue;
    streams_.push_back(std::make_unique<LoadStream>(
        &environment_, client,
        connections_[connection / options.threads].get()));
    to_open_.push_back(streams_.back().get());
  }
}

LoadWorker::~LoadWorker() {
  queue_.Shutdown();
  RunCompletionLoop(&queues_, absl::ZeroDuration());
}

void LoadWorker::Run() {
  while (!stopping_ || open_ > 0) {
    const int64_t now_ns = NowNanos();
    const int64_t wake_ns =
        std::min(DoWhatIsDue(now_ns),
                 options_.busy_poll ? now_ns : now_ns + kLongestWaitNs);
    CompletionSource::Event event;
    if (queues_.AwaitUntil(ToDeadline(wake_ns, now_ns), &event) ==
        CompletionSource::Found::kEvent) {
      event.handler->OnCompletion(event.ok);
    }
  }
}

std::vector<std::string> LoadWorker::errors() const {
  MutexLock lock(&mu_);
  return errors_;
}

int64_t LoadWorker::DoWhatIsDue(int64_t now_ns) {
  if (stopping_) {
    if (!cancelled_ && now_ns >= stop_ns_.load()) {
      cancelled_ = true;
      for (const auto& stream : streams_) stream->Cancel();
    }
    return kNever;
  }
  if (stop_ns_.load(std::memory_order_relaxed) != kNever) {
    BeginStopping();
    return kNever;
  }

  while (!to_reopen_.empty() && to_reopen_.top().time_ns <= now_ns) {
    LoadStream* const stream = to_reopen_.top().stream;
    to_reopen_.pop();
    OpenAgain(stream);
  }
  const size_t most_opening = std::max(1, options_.opening / options_.threads);
  while (!to_open_.empty() && opening_ < most_opening &&
         next_open_ns_ <= now_ns) {
    LoadStream* const stream = to_open_.front();
    to_open_.pop_front();
    Open(stream);
    if (options_.open_rate > 0) {
      next_open_ns_ =
          (next_open_ns_ == 0 ? now_ns : next_open_ns_) +
          static_cast<int64_t>(1e9 / options_.open_rate * options_.threads);
    }
  }
  if (!heartbeats_begun_ && now_ns >= start_ns_.load()) BeginHeartbeats();
  if (!heartbeats_begun_) {
    int64_t next_ns = start_ns_.load();
    if (!to_reopen_.empty()) {
      next_ns = std::min(next_ns, to_reopen_.top().time_ns);
    }
    if (!to_open_.empty() && next_open_ns_ > now_ns) {
      next_ns = std::min(next_ns, next_open_ns_);
    }
    return next_ns;
  }
  while (schedule_->next_ns() <= now_ns) {
    const Schedule::Due due = schedule_->Take();
    LoadStream& stream = *streams_[due.stream];
    if (stream.state() != LoadStream::State::kRegistered) continue;
    if (stream.sent_ns() != 0) {
      ++counters_.left_out;
      continue;
    }
    stream.SendHeartbeat();
    lag_.Record((stream.sent_ns() - due.time_ns) / 1000);
  }
  while (next_churn_ns_ <= now_ns) {
    next_churn_ns_ +=
        static_cast<int64_t>(1e9 / options_.churn) * options_.threads;
    CloseNextForChurn();
  }
  if (next_check_ns_ <= now_ns) CheckAnswerTimes(now_ns);
  int64_t next_ns = std::min(schedule_->next_ns(), next_churn_ns_);
  if (!to_reopen_.empty())
    next_ns = std::min(next_ns, to_reopen_.top().time_ns);
  return next_ns;
}

void LoadWorker::BeginHeartbeats() {
  heartbeats_begun_ = true;
  const int64_t start_ns = start_ns_.load();
  schedule_ = MakeSchedule(options_, streams_.size(),
                           static_cast<double>(streams_.size()) /
                               static_cast<double>(options_.streams),
                           start_ns, random_());
  if (options_.churn > 0) next_churn_ns_ = start_ns;
  next_check_ns_ = start_ns + kCheckPeriodNs;
  if (options_.pace.kind != Pace::Kind::kClosedLoop &&
      options_.pace.kind != Pace::Kind::kOnce) {
    return;
  }
  for (const auto& stream : streams_) {
    if (stream->state() == LoadStream::State::kRegistered) {
      stream->SendHeartbeat();
    }
  }
}

void LoadWorker::BeginStopping() {
  stopping_ = true;
  for (const auto& stream : streams_) stream->Close();
}

void LoadWorker::CloseNextForChurn() {
  for (size_t tries = 0; tries < streams_.size(); ++tries) {
    LoadStream& stream = *streams_[next_churned_];
    next_churned_ = (next_churned_ + 1) % streams_.size();
    if (stream.state() != LoadStream::State::kRegistered) continue;
    stream.Close();
    --counters_.registered;
    ++counters_.churned;
    return;
  }
}

void LoadWorker::CheckAnswerTimes(int64_t now_ns) {
  next_check_ns_ = now_ns + kCheckPeriodNs;
  const int64_t limit_ns =
      now_ns - absl::ToInt64Nanoseconds(options_.answer_timeout);
  for (const auto& stream : streams_) {
    if (stream->state() != LoadStream::State::kRegistered) continue;
    if (stream->sent_ns() == 0 || stream->sent_ns() > limit_ns) continue;
    AddError(*stream,
             absl::StrCat("a heartbeat was not answered within ",
                          absl::FormatDuration(options_.answer_timeout)));
    --counters_.registered;
    stream->Cancel();
  }
}

void LoadWorker::OnRegistered(LoadStream* stream) {
  --opening_;
  ++counters_.registered;
  ++counters_.registrations;
  backoffs_.erase(stream->client());
  if (!std::exchange(broker_answers_, true)) {
    scout_ = nullptr;
    for (LoadStream* const other : std::exchange(behind_scout_, {})) {
      OpenAgain(other);
    }
  }
  if (heartbeats_begun_ && options_.pace.kind == Pace::Kind::kClosedLoop) {
    stream->SendHeartbeat();
  }
}

void LoadWorker::OnPush(LoadStream* stream) {
  ++counters_.pushes;
  if (!options_.hold_lists) return;
  const int64_t pushes = ++pushes_[stream->client()];
  int64_t most = counters_.most_pushes.load();
  while (most < pushes &&
         !counters_.most_pushes.compare_exchange_weak(most, pushes)) {
  }
}

void LoadWorker::OnAnswered(LoadStream* stream, int64_t sent_ns) {
  latency_.Record((NowNanos() - sent_ns) / 1000);
  if (options_.pace.kind == Pace::Kind::kClosedLoop && !stopping_ &&
      stream->state() == LoadStream::State::kRegistered) {
    stream->SendHeartbeat();
  }
}

void LoadWorker::OnBadAnswer(LoadStream* stream, const std::string& why) {
  if (stream->state() == LoadStream::State::kOpening) --opening_;
  AddError(*stream, why);
}

void LoadWorker::OnClosed(LoadStream* stream, LoadStream::State before,
                          const grpc::Status& status) {
  --open_;
  --counters_.open;
  if (before == LoadStream::State::kOpening) --opening_;
  if (before == LoadStream::State::kRegistered) --counters_.registered;
  if (stream == scout_) {
    scout_ = nullptr;
    for (LoadStream* const other : std::exchange(behind_scout_, {})) {
      ReopenWithBackoff(other);
    }
  }
  if (before == LoadStream::State::kCancelled) return;
  if (stopping_) {
    if (!status.ok() && !options_.reconnect) {
      AddError(*stream, absl::StrCat("the stream did not close well: ",
                                     status.error_message()));
    }
    return;
  }
  if (before == LoadStream::State::kClosing && status.ok()) {
    to_open_.push_back(stream);  // Churn.
    return;
  }
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      if (options_.pace.kind != Pace::Kind::kSilent &&
          options_.pace.kind != Pace::Kind::kOnce) {
        break;
      }
      ++counters_.expired;
      return;
    case grpc::StatusCode::ABORTED:            // Replaced, or
    case grpc::StatusCode::PERMISSION_DENIED:  // kicked: not to come back.
      break;
    default:
      if (!options_.reconnect) break;
      broker_answers_ = false;
      ReopenWithBackoff(stream);
      return;
  }
  AddError(*stream, absl::StrCat("the stream ended: code ",
                                 static_cast<int>(status.error_code()), " ",
                                 status.error_message()));
}

void LoadWorker::ReopenWithBackoff(LoadStream* stream) {
  ++counters_.lost;
  std::uniform_real_distribution<double> uniform(0, 1);
  const absl::Duration delay =
      backoffs_.try_emplace(stream->client(), Backoff::Options())
          .first->second.Next([&] { return uniform(random_); });
  to_reopen_.push({NowNanos() + absl::ToInt64Nanoseconds(delay), stream});
}

void LoadWorker::OpenAgain(LoadStream* stream) {
  if (broker_answers_) {
    to_open_.push_back(stream);
  } else if (scout_ != nullptr) {
    behind_scout_.push_back(stream);
  } else {
    scout_ = stream;
    Open(stream);
  }
}

void LoadWorker::Open(LoadStream* stream) {
  ++opening_;
  ++open_;
  ++counters_.open;
  stream->Open();
}

void LoadWorker::AddError(const LoadStream& stream, const std::string& what) {
  ++counters_.errors;
  MutexLock lock(&mu_);
  if (errors_.size() >= kErrorsKept) return;
  errors_.push_back(
      absl::StrCat(environment_.frames->ClientId(stream.client()), ": ", what));
}

}  // namespace rmq::loadgen
