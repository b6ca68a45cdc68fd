// The field table of everything that a state file keeps of a spec. Each structure is taken apart by a
// structured binding: a field that is added to a structure but forgotten here does not compile. Thread: any.
#pragma once

#include <concepts>
#include <type_traits>

#include "spec/spec.h"

namespace gracevisor::spec {

// T or const T: the same table writes and reads.
template <class T, class Structure>
concept IsA = std::same_as<std::remove_const_t<T>, Structure>;

// The name of each enumerator; null for a number that is no enumerator. -Wswitch-enum warns when one is
// missing.
[[nodiscard]] inline const char* enum_text(config::EndpointKind kind) {
  switch (kind) {
    case config::EndpointKind::port: return "port";
    case config::EndpointKind::socket: return "socket";
    case config::EndpointKind::fd: return "fd";
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
[[nodiscard]] inline const char* enum_text(config::AppLog::OnFull on_full) {
  switch (on_full) {
    case config::AppLog::OnFull::drop: return "drop";
    case config::AppLog::OnFull::block: return "block";
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
[[nodiscard]] inline const char* enum_text(config::Stop::Leftover leftover) {
  switch (leftover) {
    case config::Stop::Leftover::kill: return "kill";
    case config::Stop::Leftover::leave: return "leave";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::ProxyOptions::Balance balance) {
  switch (balance) {
    case config::ProxyOptions::Balance::p2c: return "p2c";
    case config::ProxyOptions::Balance::round_robin: return "round-robin";
    case config::ProxyOptions::Balance::least_requests: return "least-requests";
    case config::ProxyOptions::Balance::hash_header: return "hash:header";
    case config::ProxyOptions::Balance::hash_cookie: return "hash:cookie";
    case config::ProxyOptions::Balance::hash_client: return "hash:client";
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
[[nodiscard]] inline const char* enum_text(config::ProxyOptions::Underscores underscores) {
  switch (underscores) {
    case config::ProxyOptions::Underscores::drop: return "drop";
    case config::ProxyOptions::Underscores::pass: return "pass";
    case config::ProxyOptions::Underscores::reject: return "reject";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::ProxyOptions::ClientAbort abort) {
  switch (abort) {
    case config::ProxyOptions::ClientAbort::close: return "close";
    case config::ProxyOptions::ClientAbort::finish: return "finish";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::ProxyOptions::HalfClose half_close) {
  switch (half_close) {
    case config::ProxyOptions::HalfClose::abort: return "abort";
    case config::ProxyOptions::HalfClose::serve: return "serve";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::Deploy::Upgraded upgraded) {
  switch (upgraded) {
    case config::Deploy::Upgraded::close: return "close";
    case config::Deploy::Upgraded::wait: return "wait";
    case config::Deploy::Upgraded::now: return "now";
  }
  return nullptr;
}
[[nodiscard]] inline const char* enum_text(config::Protocol protocol) {
  switch (protocol) {
    case config::Protocol::http: return "http";
    case config::Protocol::tcp: return "tcp";
  }
  return nullptr;
}

[[nodiscard]] inline const char* enum_text(config::Listener::Targets targets) {
  switch (targets) {
    case config::Listener::Targets::as_sent: return "as-sent";
    case config::Listener::Targets::strict: return "strict";
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
  auto& [timeout, guard, guard_interval, drain_timeout, upgraded, hold, settle] = value;
  archive("timeout", timeout);
  archive("guard", guard);
  archive("guard_interval", guard_interval);
  archive("drain_timeout", drain_timeout);
  archive("upgraded", upgraded);
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
  auto& [ladder, scope, leftover] = value;
  archive("ladder", ladder);
  archive("scope", scope);
  archive("leftover", leftover);
}

void fields(auto& archive, IsA<config::AppLog> auto& value) {
  auto& [out, err, max_size, keep, access, access_format, on_full] = value;
  archive("out", out);
  archive("err", err);
  archive("max_size", max_size);
  archive("keep", keep);
  archive("access", access);
  archive("access_format", access_format);
  archive("on_full", on_full);
}

void fields(auto& archive, IsA<config::HeaderRules> auto& value) {
  auto& [set, remove] = value;
  archive("set", set);
  archive("remove", remove);
}

void fields(auto& archive, IsA<config::ErrorPage> auto& value) {
  auto& [statuses, file, html] = value;
  archive("statuses", statuses);
  archive("file", file);
  archive("html", html);
}

void fields(auto& archive, IsA<config::ProxyOptions> auto& value) {
  auto& [balance, balance_key, request_timeout, reuse, keep_alive, keep_alive_requests, connect_timeout,
         body_timeout, min_body_rate, request_buffer, request_buffer_memory, send_timeout, min_send_rate,
         tunnel_timeout, half_close_timeout, max_body, max_chunk_extensions, max_trailers, max_response_head,
         max_interim_responses, hold_requests, hold_memory, retry_503, on_client_abort, half_close,
         strip_path, via, underscore_headers, trailers, request_headers, response_headers, error_pages] =
      value;
  archive("balance", balance);
  archive("balance_key", balance_key);
  archive("request_timeout", request_timeout);
  archive("reuse", reuse);
  archive("keep_alive", keep_alive);
  archive("keep_alive_requests", keep_alive_requests);
  archive("connect_timeout", connect_timeout);
  archive("body_timeout", body_timeout);
  archive("min_body_rate", min_body_rate);
  archive("request_buffer", request_buffer);
  archive("request_buffer_memory", request_buffer_memory);
  archive("send_timeout", send_timeout);
  archive("min_send_rate", min_send_rate);
  archive("tunnel_timeout", tunnel_timeout);
  archive("half_close_timeout", half_close_timeout);
  archive("max_body", max_body);
  archive("max_chunk_extensions", max_chunk_extensions);
  archive("max_trailers", max_trailers);
  archive("max_response_head", max_response_head);
  archive("max_interim_responses", max_interim_responses);
  archive("hold_requests", hold_requests);
  archive("hold_memory", hold_memory);
  archive("retry_503", retry_503);
  archive("on_client_abort", on_client_abort);
  archive("half_close", half_close);
  archive("strip_path", strip_path);
  archive("via", via);
  archive("underscore_headers", underscore_headers);
  archive("trailers", trailers);
  archive("request_headers", request_headers);
  archive("response_headers", response_headers);
  archive("error_pages", error_pages);
}

void fields(auto& archive, IsA<config::App> auto& value) {
  auto& [name, command, directory, environment, environment_file, user, instances, endpoint, listen, routes,
         protocol, autostart, health, deploy, restart, stop, log, proxy_options, source] = value;
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
  archive("protocol", protocol);
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

void fields(auto& archive, IsA<config::Cidr> auto& value) {
  auto& [network, prefix] = value;
  archive("network", network);
  archive("prefix", prefix);
}

void fields(auto& archive, IsA<config::Listener> auto& value) {
  auto& [name, addresses, default_app, trusted_proxies, proxy_protocol, head_timeout, idle_timeout,
         max_target, max_head, max_field, max_fields, targets, read_ahead, max_connections_per_client,
         access_log, access_format, source] = value;
  archive("name", name);
  archive("addresses", addresses);
  archive("default_app", default_app);
  archive("trusted_proxies", trusted_proxies);
  archive("proxy_protocol", proxy_protocol);
  archive("head_timeout", head_timeout);
  archive("idle_timeout", idle_timeout);
  archive("max_target", max_target);
  archive("max_head", max_head);
  archive("max_field", max_field);
  archive("max_fields", max_fields);
  archive("targets", targets);
  archive("read_ahead", read_ahead);
  archive("max_connections_per_client", max_connections_per_client);
  archive("access_log", access_log);
  archive("access_format", access_format);
  archive("source", source);
}

void fields(auto& archive, IsA<Spec> auto& value) {
  auto& [app, directory, program, environment, inherited, credentials, listeners] = value;
  archive("app", app);
  archive("directory", directory);
  archive("program", program);
  archive("environment", environment);
  archive("inherited", inherited);
  archive("credentials", credentials);
  archive("listeners", listeners);
}

}  // namespace gracevisor::spec
