#include "decide/probe_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/one_line.h"
#include "decide/mentions.h"

namespace gracevisor::decide {
namespace {

using routing::ProbeEvidence;
using routing::ProbeOutcome;
using routing::ProbeReport;

std::string shown(std::string_view foreign) {
  return base::one_line(foreign, routing::kProbeEvidence);
}

std::string_view text_of(const ProbeReport& report) {
  switch (report.last) {
    case ProbeOutcome::passed: return "passed";
    case ProbeOutcome::wrong_status: return "status";
    case ProbeOutcome::refused: return "refused";
    case ProbeOutcome::timed_out: return report.connected ? "timed out (connected, no answer)" : "timed out";
    case ProbeOutcome::broken: return "connection ended before an answer";
    case ProbeOutcome::malformed: return "no HTTP answer";
    case ProbeOutcome::unable: return "not begun";
  }
  return "?";
}

struct Target {
  std::string_view scheme;  // empty: not given
  std::string_view host;    // likewise; without its port
  std::string_view path;
};

Target parts_of(std::string_view location) {
  Target target{{}, {}, location};
  const std::size_t colon = location.find("://");
  if (colon == std::string_view::npos) return target;
  target.scheme = location.substr(0, colon);
  const std::string_view rest = location.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  target.path = rest.substr(authority.size());
  target.host = authority.substr(0, authority.rfind(':'));
  return target;
}

// A redirect: which key would make the probe ask what the app wants to be asked.
std::string advice_of_redirect(const config::Health& health, const ProbeEvidence& evidence) {
  const Target to = parts_of(evidence.location);
  if (to.scheme == "https" && health.proto != "https") return R"(set health.proto = "https")";
  if (!to.host.empty() && to.host != evidence.host) {
    return fmt::format("set health.host = \"{}\"", shown(to.host));
  }
  const bool login = mentions(to.path, "login") || mentions(to.path, "signin") || mentions(to.path, "auth");
  if (login) return "it asks for a login: set health.path to a page that needs none";
  if (to.path.starts_with('/') && to.path != health.path) {
    return fmt::format("set health.path = \"{}\"", shown(to.path));
  }
  return "set health.path to a page that does not redirect, or health.expect";
}

}  // namespace

std::string probe_advice(const config::Health& health, const ProbeReport& report) {
  constexpr std::string_view kTls{"\x15\x03", 2};  // an alert: the answer of a TLS server to plain text
  const ProbeEvidence& evidence = report.evidence;
  if (report.last == ProbeOutcome::malformed) {
    return evidence.body.starts_with(kTls) ? "it speaks TLS: let it speak plain HTTP here" : "";
  }
  if (report.last != ProbeOutcome::wrong_status) return {};
  const bool about_host = mentions(evidence.body, "host");
  switch (report.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return advice_of_redirect(health, evidence);
    case 400: return about_host ? "set health.host to a host that the app accepts" : "is health.host right?";
    case 421: return "set health.host to a host that the app accepts";
    case 401: return "it asks for credentials: set health.headers, or health.path to a page that needs none";
    case 403:
      return about_host ? "set health.host to a host that the app accepts"
                        : "set health.path to a page that everyone may see, or health.headers";
    case 404: return "set health.path to a page that the app has";
    case 405: return "set health.path to a page that answers GET";
    default: break;
  }
  constexpr int kServerError = 500;
  constexpr int kUnavailable = 503;
  if (report.status == kUnavailable) return "the app says that it is not ready";
  if (report.status >= kServerError) return "an error of the app's own: its log says more";
  return "set health.expect if this status is right";
}

std::string probe_text(const config::Health& health, const ProbeReport& report) {
  std::string what = health.kind == config::Health::Kind::tcp ? "connect" : "GET " + health.path;
  if (report.tries == 0) return what + " -> no answer yet";
  const ProbeEvidence& evidence = report.evidence;
  if (!evidence.host.empty()) what += fmt::format(" (Host: {})", shown(evidence.host));
  std::string outcome = report.status != 0 ? std::to_string(report.status) : std::string(text_of(report));
  if (report.last == ProbeOutcome::unable) {
    outcome += fmt::format(" (gracevisord: {})", base::errno_text(report.code));
  }
  if (!evidence.location.empty()) outcome += " to " + shown(evidence.location);
  if (!evidence.body.empty()) outcome += fmt::format(" \"{}\"", shown(evidence.body));
  std::string text =
      fmt::format("{} -> {}, {} {}", what, outcome, report.tries, report.tries == 1 ? "try" : "tries");
  if (const std::string advice = probe_advice(health, report); !advice.empty()) text += ": " + advice;
  return text;
}

}  // namespace gracevisor::decide
