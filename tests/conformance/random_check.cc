#include "tests/conformance/random_check.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/outcome.h"
#include "tests/conformance/product.h"
#include "tests/conformance/random_operations.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

// Long enough for everything to happen, short enough to be shrunk quickly.
constexpr int64_t kStepsPerWorld = 400;

// Model and product side by side.
class SideBySide {
 public:
  SideBySide(const Config& config, Switches switches)
      : model_(config, switches) {
    absl::StatusOr<std::unique_ptr<Product>> product = Product::Create(config);
    if (product.ok()) {
      product_ = *std::move(product);
    } else {
      problem_ = std::string(product.status().message());
    }
  }

  // What differs in the operation or in a look-up after it; empty if nothing.
  std::string Step(const Operation& operation,
                   const std::vector<Operation>& look_ups) {
    if (product_ == nullptr) return problem_;
    const Outcome& of_product = product_->Apply(operation);
    std::string difference =
        Compare(operation, model_.Apply(operation, of_product), of_product);
    for (size_t i = 0; i < look_ups.size() && difference.empty(); ++i) {
      const Outcome& expected = model_.Apply(look_ups[i]);
      const Outcome& got = product_->Apply(look_ups[i]);
      if (look_ups[i].op() != "snapshot" && AreEqualLookUps(expected, got)) {
        continue;
      }
      difference = Compare(look_ups[i], expected, got);
    }
    return difference;
  }

 private:
  static std::string Compare(const Operation& operation,
                             const Outcome& of_model,
                             const Outcome& of_product) {
    Outcome expected = ComparedWithProduct(of_model);
    const Outcome got = ComparedWithProduct(of_product);
    AllowAnyOf(got, &expected);
    if (AreEqual(expected, got)) return "";
    std::string text = ToJson(operation);
    for (const std::string& difference : Differences(expected, got)) {
      absl::StrAppend(&text, "\n    ", difference);
    }
    return text;
  }

  JavaModel model_;
  std::unique_ptr<Product> product_;
  std::string problem_;
};

// Makes a failing script shorter while it fails, in whichever way.
class Shrinker {
 public:
  Shrinker(Failure* failure, const std::vector<Operation>& look_ups,
           Switches switches)
      : failure_(*failure), look_ups_(look_ups), switches_(switches) {}

  void Run() {
    TurnTicksIntoScans();
    size_t before;
    do {
      before = Size();
      RemoveOperations();
      JoinAdvances();
      SimplifyOperations();
    } while (Size() < before && runs_ < kMaxRuns);
  }

 private:
  static constexpr int kMaxRuns = 3000;

  size_t Size() const {
    size_t size = 0;
    for (const Operation& operation : failure_.script) {
      size += operation.ByteSizeLong();
    }
    return size;
  }

  // Keeps `script`, up to where it fails, if it does.
  bool Try(const std::vector<Operation>& script) {
    if (++runs_ > kMaxRuns) return false;
    SideBySide both(failure_.config, switches_);
    std::set<std::string> channels;
    std::vector<Operation> kept;
    for (const Operation& operation : script) {
      if (operation.op() == "open_channel") {
        channels.insert(operation.channel());
      } else if (!operation.channel().empty() && !operation.unary() &&
                 channels.count(operation.channel()) == 0) {
        continue;  // Its opening has been removed.
      }
      kept.push_back(operation);
      std::string difference = both.Step(operation, look_ups_);
      if (difference.empty()) continue;
      failure_.script = std::move(kept);
      failure_.difference = std::move(difference);
      return true;
    }
    return false;
  }

  void RemoveOperations() {
    for (size_t piece = std::max<size_t>(failure_.script.size() / 2, 1);;
         piece /= 2) {
      for (size_t first = 0; first < failure_.script.size();) {
        std::vector<Operation> shorter = failure_.script;
        shorter.erase(
            shorter.begin() + first,
            shorter.begin() + std::min(first + piece, shorter.size()));
        if (!Try(shorter)) first += piece;
      }
      if (piece <= 1) break;
    }
  }

  // A scan is simpler: it does not ask when the one before it was, so that
  // those before it can go. It may be the last tick that matters as one.
  void TurnTicksIntoScans() {
    for (const size_t kept : {0, 1}) {
      std::vector<Operation> simpler = failure_.script;
      for (size_t at = 0; at + kept < simpler.size(); ++at) {
        if (simpler[at].op() == "tick") simpler[at].set_op("scan");
      }
      if (Try(simpler)) return;
    }
  }

  void JoinAdvances() {
    for (size_t at = 0; at + 1 < failure_.script.size();) {
      std::vector<Operation> shorter = failure_.script;
      if (shorter[at].op() != "advance" || shorter[at + 1].op() != "advance") {
        ++at;
        continue;
      }
      shorter[at].set_ms(shorter[at].ms() + shorter[at + 1].ms());
      shorter.erase(shorter.begin() + at + 1);
      if (!Try(shorter)) ++at;
    }
  }

  template <typename List>
  void RemoveElements(size_t at, List list_of) {
    for (int i = 0; at < failure_.script.size();) {
      std::vector<Operation> simpler = failure_.script;
      auto* const list = list_of(&simpler[at]);
      if (list == nullptr || i >= list->size()) return;
      list->DeleteSubrange(i, 1);
      if (!Try(simpler)) ++i;
    }
  }

  void SimplifyOperations() {
    for (size_t at = 0; at < failure_.script.size(); ++at) {
      if (failure_.script[at].op() != "heartbeat") continue;
      RemoveElements(at, [](Operation* operation) {
        return operation->mutable_body()->mutable_producer_data_set();
      });
      RemoveElements(at, [](Operation* operation) {
        return operation->mutable_body()->mutable_consumer_data_set();
      });
      for (int i = 0; at < failure_.script.size() &&
                      i < failure_.script[at].body().consumer_data_set_size();
           ++i) {
        RemoveElements(at, [i](Operation* operation) {
          auto& consumers =
              *operation->mutable_body()->mutable_consumer_data_set();
          return i < consumers.size()
                     ? consumers[i].mutable_subscription_data_set()
                     : nullptr;
        });
      }
    }
  }

  Failure& failure_;
  const std::vector<Operation>& look_ups_;
  const Switches switches_;
  int runs_ = 0;
};

}  // namespace

absl::optional<Failure> CheckRandomly(uint64_t seed, int64_t steps,
                                      Switches switches) {
  for (; steps > 0; steps -= kStepsPerWorld, ++seed) {
    RandomOperations world(seed);
    SideBySide both(world.config(), switches);
    Failure failure;
    for (int64_t step = 0; step < std::min(steps, kStepsPerWorld); ++step) {
      failure.script.push_back(world.Next());
      failure.difference = both.Step(failure.script.back(), world.LookUps());
      if (failure.difference.empty()) continue;
      failure.seed = seed;
      failure.config = world.config();
      Shrinker(&failure, world.LookUps(), switches).Run();
      return failure;
    }
  }
  return absl::nullopt;
}

std::string ToString(const Failure& failure) {
  Header header;
  header.set_format("client-manager-trace/1");
  header.set_rocketmq(kReferenceRelease);
  header.set_name(absl::StrCat("seed_", failure.seed));
  *header.mutable_config() = failure.config;
  std::string text = absl::StrCat(
      "seed ", failure.seed, ": the product differs from the model (-, +)\n",
      failure.difference, "\nThe script, with what Java would do:\n",
      ToJson(header), "\n");
  JavaModel java(failure.config, SwitchesOf(kReferenceRelease).value());
  for (Operation operation : failure.script) {
    *operation.mutable_expect() = java.Apply(operation);
    operation.mutable_expect()->clear_refused();
    operation.mutable_expect()->clear_renewal();
    operation.mutable_expect()->clear_skipped();
    absl::StrAppend(&text, ToJson(operation), "\n");
  }
  absl::StrAppend(&text, R"({"op":"snapshot","expect":)");
  Operation snapshot;
  snapshot.set_op("snapshot");
  absl::StrAppend(&text, ToJson(java.Apply(snapshot)), "}\n");
  return text;
}

}  // namespace rmq::conformance
