#include "broker/fronts/admin/subscription_methods.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/admin/name_page.h"

namespace rmq {
namespace {

CallStatus QueryTopicConsumeByWho(
    const AdminCall& call, const pb::QueryTopicConsumeByWhoRequest& request,
    pb::QueryTopicConsumeByWhoResponse* response) {
  const absl::Status topic =
      ValidateTopic("topic", request.topic(), call.broker.limits);
  if (!topic.ok()) return FromStatus(topic);
  size_t max = 0;
  const CallStatus form =
      ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!form.ok()) return form;
  std::vector<std::string> groups = ListPage(
      request.page_token(), max,
      [&](absl::string_view after, size_t most) {
        return call.broker.table.GroupsOfTopic(request.topic(), after, most);
      },
      [](const std::string& name) { return name; },
      response->mutable_next_page_token());
  for (std::string& group : groups) response->add_groups(std::move(group));
  return {};
}

CallStatus FindSubscription(const AdminCall& call,
                            const pb::FindSubscriptionRequest& request,
                            pb::FindSubscriptionResponse* response) {
  absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  form = ValidateTopic("topic", request.topic(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const absl::optional<SubscriptionData> subscription =
      call.broker.table.FindSubscription(request.group(), request.topic());
  if (!subscription.has_value()) {
    return {
        absl::StatusCode::kNotFound, ResponseCode::kSystemError,
        absl::StrCat("consumer group ", Quoted(request.group()),
                     " does not subscribe to topic ", Quoted(request.topic()))};
  }
  FillSubscription(request.topic(), *subscription,
                   response->mutable_subscription());
  return {};
}

}  // namespace

AdminMethods SubscriptionMethods() {
  return {MethodOf(QueryTopicConsumeByWho), MethodOf(FindSubscription)};
}

}  // namespace rmq
