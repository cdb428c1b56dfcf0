#include "tests/conformance/random_check.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/java_model.h"
#include "tests/conformance/model_runner.h"
#include "tests/conformance/outcome.h"
#include "tests/conformance/product.h"
#include "tests/conformance/random_operations.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

// `create` for a class that is made of `arguments` and applies operations.
template <typename Model, typename... Arguments>
Player PlayerOf(Arguments... arguments) {
  const auto model = std::make_shared<Model>(arguments...);
  return [model](const Operation& operation,
                 const Outcome& leaving) -> const Outcome& {
    return model->Apply(operation, leaving);
  };
}

// Both sides in the same world.
class SideBySide {
 public:
  SideBySide(const Config& config, const Side& expected, const Side& got)
      : expected_(Create(config, expected)), got_(Create(config, got)) {}

  // What differs in the operation or in a look-up after it; empty if nothing.
  std::string Step(const Operation& operation,
                   const std::vector<Operation>& look_ups) {
    if (!problem_.empty()) return problem_;
    const Outcome& got = got_(operation, nothing_);
    std::string difference = Compare(operation, expected_(operation, got), got);
    for (size_t i = 0; i < look_ups.size() && difference.empty(); ++i) {
      const Outcome& expected = expected_(look_ups[i], nothing_);
      const Outcome& found = got_(look_ups[i], nothing_);
      if (look_ups[i].op() != "snapshot" && AreEqualLookUps(expected, found)) {
        continue;
      }
      difference = Compare(look_ups[i], expected, found);
    }
    return difference;
  }

 private:
  Player Create(const Config& config, const Side& side) {
    absl::StatusOr<Player> player = side.create(config);
    if (player.ok()) return *std::move(player);
    problem_ = std::string(player.status().message());
    return nullptr;
  }

  static std::string Compare(const Operation& operation,
                             const Outcome& of_expected,
                             const Outcome& of_got) {
    Outcome expected = ComparedWithProduct(of_expected);
    const Outcome got = ComparedWithProduct(of_got);
    AllowAnyOf(got, &expected);
    if (AreEqual(expected, got)) return "";
    std::string text = ToJson(operation);
    for (const std::string& difference : Differences(expected, got)) {
      absl::StrAppend(&text, "\n    ", difference);
    }
    return text;
  }

  const Outcome nothing_;
  std::string problem_;
  const Player expected_;
  const Player got_;
};

// Makes a failing script shorter while it fails, in whichever way.
class Shrinker {
 public:
  Shrinker(Failure* failure, const std::vector<Operation>& look_ups,
           const Side& expected, const Side& got)
      : failure_(*failure),
        look_ups_(look_ups),
        expected_(expected),
        got_(got) {}

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
    SideBySide both(failure_.config, expected_, got_);
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
  const Side& expected_;
  const Side& got_;
  int runs_ = 0;
};

}  // namespace

Side ProductSide() {
  const auto create = [](const Config& config) -> absl::StatusOr<Player> {
    absl::StatusOr<std::unique_ptr<Product>> created = Product::Create(config);
    if (!created.ok()) return created.status();
    const std::shared_ptr<Product> product = *std::move(created);
    return Player([product](const Operation& operation,
                            const Outcome&) -> const Outcome& {
      return product->Apply(operation);
    });
  };
  return {"the product", create, /*has_epochs=*/true};
}

Side BrokerModelSide() {
  return {"the model",
          [](const Config& config) { return PlayerOf<ModelRunner>(config); },
          /*has_epochs=*/true};
}

Side JavaModelSide(Switches switches) {
  return {"the model of Java",
          [switches](const Config& config) {
            return PlayerOf<JavaModel>(config, switches);
          },
          /*has_epochs=*/false};
}

absl::optional<Failure> CheckRandomly(uint64_t seed, int64_t steps,
                                      const Side& expected, const Side& got) {
  for (; steps > 0; steps -= kStepsOfAWorld, ++seed) {
    RandomOperations world(seed, expected.has_epochs && got.has_epochs);
    SideBySide both(world.config(), expected, got);
    Failure failure;
    for (int64_t step = 0; step < std::min(steps, kStepsOfAWorld); ++step) {
      failure.script.push_back(world.Next());
      failure.difference = both.Step(failure.script.back(), world.LookUps());
      if (failure.difference.empty()) continue;
      failure.title = absl::StrCat(got.name, " differs from ", expected.name);
      failure.seed = seed;
      failure.config = world.config();
      Shrinker(&failure, world.LookUps(), expected, got).Run();
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
  std::string text = absl::StrCat("seed ", failure.seed, ": ", failure.title,
                                  " (-, +)\n", failure.difference,
                                  "\nThe script, with what Java would do:\n",
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
