// What the control API can be asked, and who may ask it: one table. The role is checked where a request is
// matched, so that no verb can be reached without it.
//
// An operator may do everything that the configuration already allows; only an admin (root, the daemon's
// user) may end the daemon, have another program take over from it, or see the values of environments.
// Thread: values, any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "control/access.h"
#include "http/head.h"

namespace gracevisor::control {

enum class Verb : std::uint8_t {
  // Of the daemon.
  version,
  status,
  check,
  all_logs,
  reload,
  upgrade,
  shutdown,
  // Of one app.
  app,
  logs,
  history,
  attach,
  wait,
  environment,
  environment_values,
  settings,
  deploy,
  start,
  stop,
  kill,
  signal,
  scale,
  abort,
};

struct VerbRule {
  Verb verb;
  http::Method method;
  std::string_view path;  // "/v1/apps/*/logs": the star is an app's name
  Role least;
};
[[nodiscard]] std::span<const VerbRule> verb_rules();

struct Asked {
  Verb verb{};
  std::string app;  // empty for those of the daemon
};
enum class NotAsked : std::uint8_t { no_such_path, not_permitted };
// `path` is percent-decoded.
[[nodiscard]] std::expected<Asked, NotAsked> match_verb(http::Method method, std::string_view path,
                                                        Role role);

// Does `role` include `least`?
[[nodiscard]] bool may(Role role, Role least) noexcept;

// Does a daemon still answer it while another one takes over from it?
[[nodiscard]] bool answered_while_frozen(Verb verb) noexcept;

}  // namespace gracevisor::control
