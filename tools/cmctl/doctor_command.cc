#include "tools/cmctl/doctor_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/ask_brokers.h"
#include "tools/cmctl/broker_view.h"
#include "tools/cmctl/doctor_checks.h"
#include "tools/cmctl/doctor_finders.h"
#include "tools/cmctl/exit_codes.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// One page of them.
constexpr int32_t kMostDuplicates = 100;

absl::Status ReadPolicy(const Ask& ask, Patient* patient) {
  const auto policy = ask(pb::GetPolicyRequest());
  if (!policy.ok()) return policy.status();
  patient->policy = static_cast<const pb::GetPolicyResponse&>(**policy);
  return absl::OkStatus();
}

absl::Status ReadDuplicates(const Ask& ask, Patient* patient) {
  pb::ListDuplicateClientIdsRequest request;
  request.set_page_size(kMostDuplicates);
  const auto page = ask(request);
  if (!page.ok()) return page.status();
  const auto& answer =
      static_cast<const pb::ListDuplicateClientIdsResponse&>(**page);
  patient->duplicates.assign(answer.duplicates().begin(),
                             answer.duplicates().end());
  patient->has_more_duplicates = !answer.next_page_token().empty();
  return absl::OkStatus();
}

absl::Status ReadConsistency(const Ask& ask, Patient* patient) {
  for (const auto& [name, group] : patient->view.groups) {
    pb::GetSubscriptionConsistencyRequest request;
    request.set_group(name);
    const auto answer = ask(request);
    // Its last member has just left.
    if (absl::IsNotFound(answer.status())) continue;
    if (!answer.ok()) return answer.status();
    if (!static_cast<const pb::GetSubscriptionConsistencyResponse&>(**answer)
             .consistent()) {
      patient->inconsistent_groups.push_back(name);
    }
  }
  return absl::OkStatus();
}

Patient ReadPatient(const AskedBroker& broker) {
  Patient patient;
  patient.view = ReadBroker(broker, ViewLimits(), &absl::Now);
  for (const auto read : {ReadPolicy, ReadDuplicates, ReadConsistency}) {
    if (patient.view.status.ok()) {
      patient.view.status = read(broker.ask, &patient);
    }
  }
  return patient;
}

std::string InWords(const Finding& finding) {
  return EscapeControls(absl::StrCat(
      finding.broker.empty() ? "" : absl::StrCat(finding.broker, ": "),
      finding.what));
}

// "2 errors, 1 warning and 0 notes".
std::string Summary(const std::vector<Finding>& findings) {
  const auto count = [&findings](Severity severity) {
    return std::count_if(findings.begin(), findings.end(),
                         [severity](const Finding& finding) {
                           return finding.severity == severity;
                         });
  };
  return absl::StrCat(Count(count(Severity::kError), "error"), ", ",
                      Count(count(Severity::kWarning), "warning"), " and ",
                      Count(count(Severity::kNote), "note"));
}

// What one check has found at several brokers stands together.
std::vector<AnswerPart> DoctorParts(const std::vector<Finding>& findings,
                                    size_t brokers) {
  std::vector<AnswerPart> parts;
  for (size_t i = 0; i < findings.size();) {
    const Finding& first = findings[i];
    std::string text =
        absl::StrCat(Name(first.severity), "  ", first.check, "\n");
    for (; i < findings.size() && findings[i].check == first.check &&
           findings[i].severity == first.severity;
         ++i) {
      absl::StrAppend(&text, "  ", InWords(findings[i]), "\n");
    }
    absl::StrAppend(&text, "  What it means: ", first.meaning,
                    "\n  What to do: ", first.remedy, "\n");
    parts.push_back(TextPart(text, /*gap=*/true));
  }
  parts.push_back(TextPart(
      absl::StrCat(Count(static_cast<int64_t>(AllChecks().size()), "check"),
                   " of ", Count(static_cast<int64_t>(brokers), "broker"), ": ",
                   Summary(findings), "\n"),
      /*gap=*/true));
  return parts;
}

JsonMembers DoctorJson(const std::vector<Finding>& findings,
                       const Patients& patients) {
  std::vector<std::string> shown;
  for (const Finding& finding : findings) {
    shown.push_back(JsonObject(
        {{"severity", JsonString(Name(finding.severity))},
         {"check", JsonString(finding.check)},
         {"broker",
          finding.broker.empty() ? "null" : JsonString(finding.broker)},
         {"what", JsonString(finding.what)},
         {"meaning", JsonString(finding.meaning)},
         {"remedy", JsonString(finding.remedy)}}));
  }
  std::vector<std::string> errors;
  for (const Patient& patient : patients) {
    if (patient.view.status.ok()) continue;
    errors.push_back(
        JsonObject({{"broker", JsonString(patient.view.label)},
                    {"message", JsonString(patient.view.status.message())}}));
  }
  return {{"findings", JsonArray(shown)}, {"errors", JsonArray(errors)}};
}

absl::StatusOr<Answer> ShowDoctor(const CommandLine& line,
                                  const std::vector<AskedBroker>& asked,
                                  const TableTime&) {
  Patients patients(asked.size());
  ForEachAtOnce(asked.size(),
                [&](size_t i) { patients[i] = ReadPatient(asked[i]); });
  Answer answer;
  for (const Patient& patient : patients) {
    if (patient.view.status.ok()) continue;
    answer.errors.push_back(
        BrokerError(patient.view.label, patient.view.status));
  }
  const size_t read = patients.size() - answer.errors.size();
  const std::vector<Finding> findings = Diagnose(patients);
  if (read == 0) {
    answer.exit_code = kExitError;
  } else if (std::any_of(findings.begin(), findings.end(),
                         [](const Finding& finding) {
                           return finding.severity != Severity::kNote;
                         })) {
    answer.exit_code = kExitFindings;
  } else if (read < patients.size()) {
    answer.exit_code = kExitNotWhole;
  }
  if (IsForPrograms(line)) {
    answer.json = DoctorJson(findings, patients);
  } else if (read > 0) {
    answer.parts = DoctorParts(findings, read);
  }
  return answer;
}

// The summary of each check, a line each.
absl::string_view Details() {
  static const std::string& details = *new std::string([] {
    std::string text =
        "Looks for known misconfigurations of the brokers, and says of each "
        "what it means\nand what to do, the worst first. Exits with 4 if there "
        "is an error or a warning.\nThe checks:\n";
    for (const CheckInfo& check : AllChecks()) {
      absl::StrAppend(&text, "\n  ", check.name,
                      std::string(16 - check.name.size(), ' '), check.summary);
    }
    return text;
  }());
  return details;
}

}  // namespace

std::vector<Command> DoctorCommands() {
  Command doctor = {"doctor",
                    {},
                    "what is wrong with the brokers, and what to do",
                    Details(),
                    {}};
  doctor.run_on_all = ShowDoctor;
  doctor.forms = Forms::kText;
  return {doctor};
}

}  // namespace rmq::cmctl
