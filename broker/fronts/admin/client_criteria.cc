#include "broker/fronts/admin/client_criteria.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/registry/labels.h"
#include "common/client_types.h"
#include "common/kv.h"

namespace rmq {
namespace {

// The host in the form in which peers have it; "" if no peer can have it.
std::string CanonicalHost(absl::string_view host) {
  // "fe80::1%eth0": the zone is kept as it is.
  const size_t percent = std::min(host.find('%'), host.size());
  const std::string text(host.substr(0, percent));
  if (absl::StrContains(host, '\0')) return "";
  const absl::string_view zone = host.substr(percent);
  in_addr ipv4;
  if (zone.empty() && inet_pton(AF_INET, text.c_str(), &ipv4) == 1) return text;
  in6_addr ipv6;
  if (zone.size() == 1 || inet_pton(AF_INET6, text.c_str(), &ipv6) != 1) {
    return "";
  }
  char canonical[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) {
    // gRPC shows such a peer as the IPv4 one that it is.
    if (!zone.empty()) return "";
    inet_ntop(AF_INET, &ipv6.s6_addr[12], canonical, sizeof(canonical));
    return canonical;
  }
  inet_ntop(AF_INET6, &ipv6, canonical, sizeof(canonical));
  return absl::StrCat(canonical, zone);
}

// "5", but not "05" or "+5": peers have it so.
bool IsPort(absl::string_view text) {
  int port = 0;
  return absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535 &&
         text == absl::StrCat(port);
}

// A filter that nobody can meet is a slip of the pen.
absl::Status SetAddress(absl::string_view field, absl::string_view address,
                        ChannelFilter* filter) {
  const HostAndPort parts = SplitAddress(address);
  const bool lacks_port =
      absl::EndsWith(address, ":") && !absl::EndsWith(parts.host, ":");
  const bool has_brackets = absl::StartsWith(address, "[");
  const std::string host = CanonicalHost(parts.host);
  const bool is_good =
      !host.empty() && !lacks_port &&
      (parts.port.empty() || IsPort(parts.port)) &&
      // Of what is in brackets nothing is left over.
      (!has_brackets || address == absl::StrCat("[", parts.host, "]") ||
       address == absl::StrCat("[", parts.host, "]:", parts.port)) &&
      (!has_brackets || absl::StrContains(parts.host, ':'));
  if (!is_good) {
    return absl::InvalidArgumentError(absl::StrCat(
        field,
        " must be an IP address, or IP:port with a port of 1 to 65535 "
        "([IP]:port for IPv6), got ",
        Quoted(address)));
  }
  filter->host = host;
  filter->port = std::string(parts.port);
  return absl::OkStatus();
}

// `prefix`: of the names of the fields.
template <typename Message>
absl::StatusOr<ChannelFilter> Parse(absl::string_view prefix,
                                    const Message& message,
                                    const Limits& limits) {
  ChannelFilter filter;
  absl::Status status;
  const auto field = [prefix](absl::string_view name) {
    return absl::StrCat(prefix, name);
  };
  if (!message.client_id().empty()) {
    status.Update(
        ValidateClientId(field("client_id"), message.client_id(), limits));
    filter.client_id = message.client_id();
  }
  if (!message.group().empty()) {
    status.Update(ValidateGroup(field("group"), message.group(), limits));
    filter.group = message.group();
  }
  if (!message.remote_address().empty()) {
    status.Update(
        SetAddress(field("remote_address"), message.remote_address(), &filter));
  }
  if (message.labels().size() > kMaxLabels) {
    status.Update(absl::InvalidArgumentError(
        absl::StrCat(field("labels"), " must be at most ", kMaxLabels, ", got ",
                     message.labels().size())));
  }
  // In the order of their keys, so that equal criteria are told as equal.
  absl::btree_map<absl::string_view, absl::string_view> labels(
      message.labels().begin(), message.labels().end());
  for (const auto& [key, value] : labels) {
    status.Update(ValidateLabel(key, value));
    filter.labels.push_back({std::string(key), std::string(value)});
  }
  if (!pb::LanguageCode_IsValid(message.language())) {
    status.Update(absl::InvalidArgumentError(
        absl::StrCat(field("language"), " must be a LanguageCode, got ",
                     static_cast<int>(message.language()))));
  }
  if (!status.ok()) return status;
  filter.language = static_cast<LanguageCode>(message.language());
  if (message.has_version()) filter.version = message.version();
  return filter;
}

}  // namespace

absl::StatusOr<ChannelFilter> ParseCriteria(const pb::ClientFilter& filter,
                                            const Limits& limits) {
  return Parse("filter.", filter, limits);
}

absl::StatusOr<ChannelFilter> ParseCriteria(
    const pb::KickClientsRequest& request, const Limits& limits) {
  return Parse("", request, limits);
}

std::string Describe(const ChannelFilter& filter) {
  std::string text;
  if (!filter.client_id.empty()) {
    absl::StrAppend(&text, Kv("client_id", filter.client_id));
  }
  if (!filter.group.empty()) absl::StrAppend(&text, Kv("group", filter.group));
  if (!filter.host.empty()) {
    absl::StrAppend(&text, Kv("host", filter.host));
  }
  if (!filter.port.empty()) absl::StrAppend(&text, Kv("port", filter.port));
  if (!filter.labels.empty()) {
    absl::StrAppend(
        &text,
        Kv("labels", ToString(std::make_shared<const Labels>(filter.labels))));
  }
  if (filter.language != LanguageCode::kUnspecified) {
    absl::StrAppend(&text, Kv("language", Name(filter.language)));
  }
  if (filter.version.has_value()) {
    absl::StrAppend(&text, Kv("version", *filter.version));
  }
  return text;
}

}  // namespace rmq
