#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include "spec/listener_definitions.h"
#include "spec/spec.h"

namespace gracevisor::spec {
namespace {

using config::App;
using config::AppLog;
using config::Health;
using config::ProxyOptions;
using config::Restart;
using config::Stop;

struct Field {
  const char* name;  // as in the configuration file
  bool (*same)(const App&, const App&);
};

template <auto Member>
bool same(const App& a, const App& b) {
  return a.*Member == b.*Member;
}
template <auto Table, auto Member>
bool same_in(const App& a, const App& b) {
  return a.*Table.*Member == b.*Table.*Member;
}

bool same_stop_steps(const App& a, const App& b) {
  auto equal = [](const config::StopStep& one, const config::StopStep& other) {
    return one.signal == other.signal && one.wait == other.wait;
  };
  return std::ranges::equal(a.stop.ladder, b.stop.ladder, equal);
}

// Every key of an app except its name, `directory` and `user` (compared as resolved) and the environment
// (compared variable by variable). The functions below keep the table complete.
constexpr Field kFields[] = {
    {"command", same<&App::command>},
    {"instances", same<&App::instances>},
    {"endpoint", same<&App::endpoint>},
    {"listen", same<&App::listen>},
    {"route", same<&App::routes>},
    {"proxy", same<&App::protocol>},
    {"autostart", same<&App::autostart>},
    {"health.kind", same_in<&App::health, &Health::kind>},
    {"health.path", same_in<&App::health, &Health::path>},
    {"health.path", same_in<&App::health, &Health::path_given>},
    {"health.expect", same_in<&App::health, &Health::expect>},
    {"health.interval", same_in<&App::health, &Health::interval>},
    {"health.timeout", same_in<&App::health, &Health::timeout>},
    {"health.start_timeout", same_in<&App::health, &Health::start_timeout>},
    {"health.healthy_after", same_in<&App::health, &Health::healthy_after>},
    {"health.unhealthy_after", same_in<&App::health, &Health::unhealthy_after>},
    {"health.action", same_in<&App::health, &Health::action>},
    {"health.host", same_in<&App::health, &Health::host>},
    {"health.proto", same_in<&App::health, &Health::proto>},
    {"health.headers", same_in<&App::health, &Health::headers>},
    {"deploy.timeout", same_in<&App::deploy, &config::Deploy::timeout>},
    {"deploy.guard", same_in<&App::deploy, &config::Deploy::guard>},
    {"deploy.guard_interval", same_in<&App::deploy, &config::Deploy::guard_interval>},
    {"deploy.drain_timeout", same_in<&App::deploy, &config::Deploy::drain_timeout>},
    {"deploy.upgraded", same_in<&App::deploy, &config::Deploy::upgraded>},
    {"deploy.hold", same_in<&App::deploy, &config::Deploy::hold>},
    {"deploy.settle", same_in<&App::deploy, &config::Deploy::settle>},
    {"restart.policy", same_in<&App::restart, &Restart::policy>},
    {"restart.backoff", same_in<&App::restart, &Restart::backoff>},
    {"restart.backoff_max", same_in<&App::restart, &Restart::backoff_max>},
    {"restart.stable_after", same_in<&App::restart, &Restart::stable_after>},
    {"restart.max_failures", same_in<&App::restart, &Restart::max_failures>},
    {"stop.signal", same_stop_steps},
    {"stop.scope", same_in<&App::stop, &Stop::scope>},
    {"stop.leftover", same_in<&App::stop, &Stop::leftover>},
    {"log.stdout", same_in<&App::log, &AppLog::out>},
    {"log.stderr", same_in<&App::log, &AppLog::err>},
    {"log.max_size", same_in<&App::log, &AppLog::max_size>},
    {"log.keep", same_in<&App::log, &AppLog::keep>},
    {"log.access", same_in<&App::log, &AppLog::access>},
    {"log.access_format", same_in<&App::log, &AppLog::access_format>},
    {"log.on_full", same_in<&App::log, &AppLog::on_full>},
    {"proxy_options.balance", same_in<&App::proxy_options, &ProxyOptions::balance>},
    {"proxy_options.balance", same_in<&App::proxy_options, &ProxyOptions::balance_key>},
    {"proxy_options.request_timeout", same_in<&App::proxy_options, &ProxyOptions::request_timeout>},
    {"proxy_options.reuse", same_in<&App::proxy_options, &ProxyOptions::reuse>},
    {"proxy_options.keep_alive", same_in<&App::proxy_options, &ProxyOptions::keep_alive>},
    {"proxy_options.keep_alive_requests", same_in<&App::proxy_options, &ProxyOptions::keep_alive_requests>},
    {"proxy_options.connect_timeout", same_in<&App::proxy_options, &ProxyOptions::connect_timeout>},
    {"proxy_options.body_timeout", same_in<&App::proxy_options, &ProxyOptions::body_timeout>},
    {"proxy_options.min_body_rate", same_in<&App::proxy_options, &ProxyOptions::min_body_rate>},
    {"proxy_options.request_buffer", same_in<&App::proxy_options, &ProxyOptions::request_buffer>},
    {"proxy_options.request_buffer_memory",
     same_in<&App::proxy_options, &ProxyOptions::request_buffer_memory>},
    {"proxy_options.send_timeout", same_in<&App::proxy_options, &ProxyOptions::send_timeout>},
    {"proxy_options.min_send_rate", same_in<&App::proxy_options, &ProxyOptions::min_send_rate>},
    {"proxy_options.tunnel_timeout", same_in<&App::proxy_options, &ProxyOptions::tunnel_timeout>},
    {"proxy_options.half_close_timeout", same_in<&App::proxy_options, &ProxyOptions::half_close_timeout>},
    {"proxy_options.max_body", same_in<&App::proxy_options, &ProxyOptions::max_body>},
    {"proxy_options.max_chunk_extensions", same_in<&App::proxy_options, &ProxyOptions::max_chunk_extensions>},
    {"proxy_options.max_trailers", same_in<&App::proxy_options, &ProxyOptions::max_trailers>},
    {"proxy_options.max_response_head", same_in<&App::proxy_options, &ProxyOptions::max_response_head>},
    {"proxy_options.max_interim_responses",
     same_in<&App::proxy_options, &ProxyOptions::max_interim_responses>},
    {"proxy_options.hold_requests", same_in<&App::proxy_options, &ProxyOptions::hold_requests>},
    {"proxy_options.hold_memory", same_in<&App::proxy_options, &ProxyOptions::hold_memory>},
    {"proxy_options.retry_503", same_in<&App::proxy_options, &ProxyOptions::retry_503>},
    {"proxy_options.on_client_abort", same_in<&App::proxy_options, &ProxyOptions::on_client_abort>},
    {"proxy_options.half_close", same_in<&App::proxy_options, &ProxyOptions::half_close>},
    {"proxy_options.strip_path", same_in<&App::proxy_options, &ProxyOptions::strip_path>},
    {"proxy_options.via", same_in<&App::proxy_options, &ProxyOptions::via>},
    {"proxy_options.underscore_headers", same_in<&App::proxy_options, &ProxyOptions::underscore_headers>},
    {"proxy_options.trailers", same_in<&App::proxy_options, &ProxyOptions::trailers>},
    {"proxy_options.request_headers", same_in<&App::proxy_options, &ProxyOptions::request_headers>},
    {"proxy_options.response_headers", same_in<&App::proxy_options, &ProxyOptions::response_headers>},
    {"proxy_options.error_pages", same_in<&App::proxy_options, &ProxyOptions::error_pages>},
};

// A member added to one of the tables breaks these lines; add it to kFields too.
[[maybe_unused]] void every_member_is_listed(const App& app) {
  [[maybe_unused]] const auto& [name, command, directory, environment, environment_file, user, instances,
                                endpoint, listen, routes, protocol, autostart, health, deploy, restart, stop,
                                log, proxy_options, source] = app;
  [[maybe_unused]] const auto& [kind, path, path_given, expect, interval, timeout, start_timeout,
                                healthy_after, unhealthy_after, action, host, proto, headers] = health;
  [[maybe_unused]] const auto& [deploy_timeout, guard, guard_interval, drain_timeout, upgraded, hold,
                                settle] = deploy;
  [[maybe_unused]] const auto& [policy, backoff, backoff_max, stable_after, max_failures] = restart;
  [[maybe_unused]] const auto& [ladder, scope, leftover] = stop;
  [[maybe_unused]] const auto& [out, err, max_size, keep, access, access_format, on_full] = log;
  [[maybe_unused]] const auto& [balance, balance_key, request_timeout, reuse, keep_alive, keep_alive_requests,
                                connect_timeout, body_timeout, min_body_rate, request_buffer,
                                request_buffer_memory, send_timeout, min_send_rate, tunnel_timeout,
                                half_close_timeout, max_body, max_chunk_extensions, max_trailers,
                                max_response_head, max_interim_responses, hold_requests, hold_memory,
                                retry_503, on_client_abort, half_close, strip_path, via, underscore_headers,
                                trailers, request_headers, response_headers, error_pages] = proxy_options;
}

bool same_user(const Spec& a, const Spec& b) {
  if (a.credentials.has_value() != b.credentials.has_value()) return false;
  if (!a.credentials) return true;
  return a.credentials->uid == b.credentials->uid && a.credentials->gid == b.credentials->gid &&
         a.credentials->groups == b.credentials->groups;
}

// The frozen environments also hold the files' variables, and show what a program would see. What came from
// the daemon's own environment is no difference: no author of a configuration chose it.
void add_environment(const Spec& a, const Spec& b, std::vector<std::string>& into) {
  std::vector<std::pair<std::string, std::string>> changed;
  std::ranges::set_symmetric_difference(a.environment, b.environment, std::back_inserter(changed));
  std::set<std::string> keys;
  auto chosen = [](const Spec& spec, const std::string& key) {
    return spec.environment.contains(key) && std::ranges::find(spec.inherited, key) == spec.inherited.end();
  };
  for (auto& [key, value] : changed) {
    if (chosen(a, key) || chosen(b, key)) keys.insert(std::move(key));
  }
  for (const auto& key : keys) into.push_back("environment." + key);
}

}  // namespace

std::vector<std::string> differences(const Spec& from, const Spec& to) {
  std::vector<std::string> result;
  auto add = [&result](const std::string& key) {
    if (result.empty() || result.back() != key) result.push_back(key);
  };
  std::span<const Field> fields(kFields);
  if (!fields.front().same(from.app, to.app)) add(fields.front().name);
  // The same words may find a different file: a changed PATH, a new version beside the old one.
  if (result.empty() && from.program != to.program && from.directory == to.directory) add("program");
  if (from.directory != to.directory) add("directory");
  add_environment(from, to, result);
  if (!same_user(from, to)) add("user");
  for (const auto& field : fields.subspan(1)) {
    if (!field.same(from.app, to.app)) add(field.name);
  }
  // A listener that was added or removed shows in "listen".
  for (const config::Listener& listener : to.listeners) {
    const config::Listener* before = find_listener(from.listeners, listener.name);
    if (before == nullptr) continue;
    for (const std::string& key : differences(*before, listener)) {
      add("listen." + listener.name + "." + key);
    }
  }
  return result;
}

}  // namespace gracevisor::spec
