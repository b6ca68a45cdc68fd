#include "control/verbs.h"

#include <optional>

namespace gracevisor::control {
namespace {

using http::Method;

constexpr VerbRule kRules[] = {
    {Verb::version, Method::get, "/v1/version", Role::operator_},
    {Verb::status, Method::get, "/v1/status", Role::operator_},
    {Verb::check, Method::get, "/v1/check", Role::operator_},
    {Verb::all_logs, Method::get, "/v1/logs", Role::operator_},
    {Verb::reload, Method::post, "/v1/reload", Role::operator_},
    {Verb::upgrade, Method::post, "/v1/upgrade", Role::admin},
    {Verb::shutdown, Method::post, "/v1/shutdown", Role::admin},
    {Verb::app, Method::get, "/v1/apps/*", Role::operator_},
    {Verb::logs, Method::get, "/v1/apps/*/logs", Role::operator_},
    {Verb::history, Method::get, "/v1/apps/*/history", Role::operator_},
    {Verb::attach, Method::get, "/v1/apps/*/attach", Role::operator_},
    {Verb::wait, Method::get, "/v1/apps/*/wait", Role::operator_},
    {Verb::environment, Method::get, "/v1/apps/*/environment", Role::operator_},
    {Verb::environment_values, Method::get, "/v1/apps/*/environment/values", Role::admin},
    {Verb::settings, Method::get, "/v1/apps/*/settings", Role::operator_},
    {Verb::deploy, Method::post, "/v1/apps/*/deploy", Role::operator_},
    {Verb::start, Method::post, "/v1/apps/*/start", Role::operator_},
    {Verb::stop, Method::post, "/v1/apps/*/stop", Role::operator_},
    {Verb::kill, Method::post, "/v1/apps/*/kill", Role::operator_},
    {Verb::signal, Method::post, "/v1/apps/*/signal", Role::operator_},
    {Verb::scale, Method::post, "/v1/apps/*/scale", Role::operator_},
    {Verb::abort, Method::post, "/v1/apps/*/abort", Role::operator_},
};

// The app's name; "" for a path without one; unset: another path.
std::optional<std::string_view> app_in(std::string_view path, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return path == pattern ? std::optional(path.substr(0, 0)) : std::nullopt;
  const std::string_view tail = pattern.substr(star + 1);
  if (path.size() <= pattern.size() - 1) return std::nullopt;
  if (!path.starts_with(pattern.substr(0, star)) || !path.ends_with(tail)) return std::nullopt;
  const std::string_view app = path.substr(star, path.size() - star - tail.size());
  return app.contains('/') ? std::nullopt : std::optional(app);
}

}  // namespace

std::span<const VerbRule> verb_rules() {
  return kRules;
}

bool may(Role role, Role least) noexcept {
  return static_cast<int>(role) >= static_cast<int>(least);
}

bool answered_while_frozen(Verb verb) noexcept {
  return verb == Verb::version || verb == Verb::status;
}

std::expected<Asked, NotAsked> match_verb(http::Method method, std::string_view path, Role role) {
  for (const VerbRule& rule : kRules) {
    if (rule.method != method) continue;
    const auto app = app_in(path, rule.path);
    if (!app) continue;
    if (!may(role, rule.least)) return std::unexpected(NotAsked::not_permitted);
    return Asked{rule.verb, std::string(*app)};
  }
  return std::unexpected(NotAsked::no_such_path);
}

}  // namespace gracevisor::control
