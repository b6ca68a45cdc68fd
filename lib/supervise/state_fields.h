// The field table of everything that a state file keeps of a spec. Each structure is taken apart by a
// structured binding: a field that is added to it and forgotten here does not compile. Thread: any.
#pragma once

#include <concepts>
#include <type_traits>

#include "supervise/spec.h"

namespace gracevisor::supervise {

// T or const T: the same table writes and reads.
template <class T, class Structure>
concept IsA = std::same_as<std::remove_const_t<T>, Structure>;

// The name of each enumerator; null for a number that is none. -Wswitch-enum tells when one is missing.
[[nodiscard]] inline const char* enum_text(config::EndpointKind kind) {
  switch (kind) {
    case config::EndpointKind::port: return "port";
    case config::EndpointKind::none: return "none";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::Health::Kind kind) {
  switch (kind) {
    case config::Health::Kind::http: return "http";
    case config::Health::Kind::tcp: return "tcp";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::Health::Action action) {
  switch (action) {
    case config::Health::Action::unroute: return "unroute";
    case config::Health::Action::restart: return "restart";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::Restart::Policy policy) {
  switch (policy) {
    case config::Restart::Policy::always: return "always";
    case config::Restart::Policy::on_failure: return "on-failure";
    case config::Restart::Policy::never: return "never";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::Stop::Scope scope) {
  switch (scope) {
    case config::Stop::Scope::group: return "group";
    case config::Stop::Scope::main: return "main";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::ProxyOptions::Balance balance) {
  switch (balance) {
    case config::ProxyOptions::Balance::p2c: return "p2c";
    case config::ProxyOptions::Balance::round_robin: return "round-robin";
    case config::ProxyOptions::Balance::least_requests: return "least-requests";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::ProxyOptions::Reuse reuse) {
  switch (reuse) {
    case config::ProxyOptions::Reuse::never: return "never";
    case config::ProxyOptions::Reuse::idempotent: return "idempotent";
    case config::ProxyOptions::Reuse::always: return "always";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::AccessFormat format) {
  switch (format) {
    case config::AccessFormat::json: return "json";
    case config::AccessFormat::combined: return "combined";
  }
  return nullptr;
}
void fields(auto& archive, IsA<config::Source> auto& value) {
  auto& [file, line, column] = value;
  archive("file", file);
  archive("line", line);
  archive("column", column);
}

void fields(auto& archive, IsA<config::EnvironmentFile> auto& value) {
  auto& [path, optional] = value;
  archive("path", path);
  archive("optional", optional);
}

void fields(auto& archive, IsA<config::Route> auto& value) {
  auto& [host, path, source] = value;
  archive("host", host);
  archive("path", path);
  archive("source", source);
}

void fields(auto& archive, IsA<config::StatusRange> auto& value) {
  auto& [first, last] = value;
  archive("first", first);
  archive("last", last);
}

void fields(auto& archive, IsA<config::Health> auto& value) {
  auto& [kind, path, path_given, expect, interval, timeout, start_timeout, healthy_after, unhealthy_after,
         action, host, proto, headers] = value;
  archive("kind", kind);
  archive("path", path);
  archive("path_given", path_given);
  archive("expect", expect);
  archive("interval", interval);
  archive("timeout", timeout);
  archive("start_timeout", start_timeout);
  archive("healthy_after", healthy_after);
  archive("unhealthy_after", unhealthy_after);
  archive("action", action);
  archive("host", host);
  archive("proto", proto);
  archive("headers", headers);
}

void fields(auto& archive, IsA<config::Deploy> auto& value) {
  auto& [timeout, guard, guard_interval, drain_timeout, hold, settle] = value;
  archive("timeout", timeout);
  archive("guard", guard);
  archive("guard_interval", guard_interval);
  archive("drain_timeout", drain_timeout);
  archive("hold", hold);
  archive("settle", settle);
}

void fields(auto& archive, IsA<config::Restart> auto& value) {
  auto& [policy, backoff, backoff_max, stable_after, max_failures] = value;
  archive("policy", policy);
  archive("backoff", backoff);
  archive("backoff_max", backoff_max);
  archive("stable_after", stable_after);
  archive("max_failures", max_failures);
}

void fields(auto& archive, IsA<config::StopStep> auto& value) {
  auto& [signal, wait] = value;
  archive("signal", signal);
  archive("wait", wait);
}

void fields(auto& archive, IsA<config::Stop> auto& value) {
  auto& [ladder, scope] = value;
  archive("ladder", ladder);
  archive("scope", scope);
}

void fields(auto& archive, IsA<config::AppLog> auto& value) {
  auto& [out, err, max_size, keep, access, access_format] = value;
  archive("out", out);
  archive("err", err);
  archive("max_size", max_size);
  archive("keep", keep);
  archive("access", access);
  archive("access_format", access_format);
}

void fields(auto& archive, IsA<config::ProxyOptions> auto& value) {
  auto& [balance, reuse, request_timeout, connect_timeout, body_timeout, send_timeout, max_body] = value;
  archive("balance", balance);
  archive("reuse", reuse);
  archive("request_timeout", request_timeout);
  archive("connect_timeout", connect_timeout);
  archive("body_timeout", body_timeout);
  archive("send_timeout", send_timeout);
  archive("max_body", max_body);
}

void fields(auto& archive, IsA<config::App> auto& value) {
  auto& [name, command, directory, environment, environment_file, user, instances, endpoint, listen, routes,
         autostart, health, deploy, restart, stop, log, proxy_options, source] = value;
  archive("name", name);
  archive("command", command);
  archive("directory", directory);
  archive("environment", environment);
  archive("environment_file", environment_file);
  archive("user", user);
  archive("instances", instances);
  archive("endpoint", endpoint);
  archive("listen", listen);
  archive("routes", routes);
  archive("autostart", autostart);
  archive("health", health);
  archive("deploy", deploy);
  archive("restart", restart);
  archive("stop", stop);
  archive("log", log);
  archive("proxy_options", proxy_options);
  archive("source", source);
}

void fields(auto& archive, IsA<Credentials> auto& value) {
  auto& [uid, gid, groups, name, home, shell] = value;
  archive("uid", uid);
  archive("gid", gid);
  archive("groups", groups);
  archive("name", name);
  archive("home", home);
  archive("shell", shell);
}

void fields(auto& archive, IsA<Spec> auto& value) {
  auto& [app, directory, program, environment, credentials] = value;
  archive("app", app);
  archive("directory", directory);
  archive("program", program);
  archive("environment", environment);
  archive("credentials", credentials);
}

}  // namespace gracevisor::supervise
