#include "state_sample.h"

namespace gracevisor::test {

std::string show(const config::Source& value) {
  const auto& [file, line, column] = value;
  return show_all(file, line, column);
}
std::string show(const config::EnvironmentFile& value) {
  const auto& [path, optional] = value;
  return show_all(path, optional);
}
std::string show(const config::Route& value) {
  const auto& [host, path, source] = value;
  return show_all(host, path, source);
}
std::string show(const config::StatusRange& value) {
  const auto& [first, last] = value;
  return show_all(first, last);
}
std::string show(const config::Health& value) {
  const auto& [kind, path, path_given, expect, interval, timeout, start_timeout, healthy_after,
               unhealthy_after, action, host, proto, headers] = value;
  return show_all(kind, path, path_given, expect, interval, timeout, start_timeout, healthy_after,
                  unhealthy_after, action, host, proto, headers);
}
std::string show(const config::Deploy& value) {
  const auto& [timeout, guard, guard_interval, drain_timeout, upgraded, hold, settle] = value;
  return show_all(timeout, guard, guard_interval, drain_timeout, upgraded, hold, settle);
}
std::string show(const config::Restart& value) {
  const auto& [policy, success_exit_codes, backoff, backoff_max, stable_after, max_failures, retry_fatal] =
      value;
  return show_all(policy, success_exit_codes, backoff, backoff_max, stable_after, max_failures, retry_fatal);
}
std::string show(const config::StopStep& value) {
  const auto& [signal, wait] = value;
  return show_all(signal, wait);
}
std::string show(const config::Stop& value) {
  const auto& [ladder, scope, leftover] = value;
  return show_all(ladder, scope, leftover);
}
std::string show(const config::AppLog& value) {
  const auto& [out, err, max_size, keep, format, access, access_format, on_full, max_age, total_size,
               compress] = value;
  return show_all(out, err, max_size, keep, format, access, access_format, on_full, max_age, total_size,
                  compress);
}
std::string show(const config::HeaderRules& value) {
  const auto& [set, remove] = value;
  return show_all(set, remove);
}
std::string show(const config::ErrorPage& value) {
  const auto& [statuses, file, html] = value;
  return show_all(statuses, file, html);
}
std::string show(const config::ProxyOptions& value) {
  const auto& [balance, balance_key, request_timeout, reuse, keep_alive, keep_alive_requests, connect_timeout,
               body_timeout, min_body_rate, request_buffer, request_buffer_memory, send_timeout,
               min_send_rate, tunnel_timeout, half_close_timeout, max_body, max_chunk_extensions,
               max_trailers, max_response_head, max_interim_responses, hold_requests, hold_memory, retry_503,
               on_client_abort, half_close, strip_path, via, underscore_headers, trailers, request_headers,
               response_headers, error_pages] = value;
  return show_all(balance, balance_key, request_timeout, reuse, keep_alive, keep_alive_requests,
                  connect_timeout, body_timeout, min_body_rate, request_buffer, request_buffer_memory,
                  send_timeout, min_send_rate, tunnel_timeout, half_close_timeout, max_body,
                  max_chunk_extensions, max_trailers, max_response_head, max_interim_responses, hold_requests,
                  hold_memory, retry_503, on_client_abort, half_close, strip_path, via, underscore_headers,
                  trailers, request_headers, response_headers, error_pages);
}
std::string show(const config::OpenFiles& value) {
  const auto& [soft, hard] = value;
  return show_all(soft, hard);
}
std::string show(const config::Limits& value) {
  const auto& [nofile, nproc, core, nice, io_class, oom_score_adj, memory, tasks, cpu] = value;
  return show_all(nofile, nproc, core, nice, io_class, oom_score_adj, memory, tasks, cpu);
}
std::string show(const config::App& value) {
  const auto& [name, command, directory, environment, environment_file, user, umask, supplementary_groups,
               no_new_privileges, capabilities, private_tmp, read_only, instances, scaled_from, endpoint,
               listen, routes, protocol, autostart, health, deploy, restart, stop, limits, log, proxy_options,
               source] = value;
  return show_all(name, command, directory, environment, environment_file, user, umask, supplementary_groups,
                  no_new_privileges, capabilities, private_tmp, read_only, instances, scaled_from, endpoint,
                  listen, routes, protocol, autostart, health, deploy, restart, stop, limits, log,
                  proxy_options, source);
}
std::string show(const base::Address& value) {
  return show(value.text());
}
std::string show(const config::Cidr& value) {
  const auto& [network, prefix] = value;
  return show_all(network, prefix);
}
std::string show(const config::Listener& value) {
  const auto& [name, addresses, default_app, trusted_proxies, proxy_protocol, head_timeout, idle_timeout,
               max_target, max_head, max_field, max_fields, targets, read_ahead, max_connections_per_client,
               access_log, access_format, access_max_size, access_keep, access_max_age, access_total_size,
               access_compress, source] = value;
  return show_all(name, addresses, default_app, trusted_proxies, proxy_protocol, head_timeout, idle_timeout,
                  max_target, max_head, max_field, max_fields, targets, read_ahead,
                  max_connections_per_client, access_log, access_format, access_max_size, access_keep,
                  access_max_age, access_total_size, access_compress, source);
}
std::string show(const spawn::Credentials& value) {
  const auto& [uid, gid, groups, name, home, shell] = value;
  return show_all(uid, gid, groups, name, home, shell);
}
std::string show(const spec::Spec& value) {
  const auto& [app, directory, program, environment, inherited, credentials, no_new_privileges, listeners] =
      value;
  return show_all(app, directory, program, environment, inherited, credentials, no_new_privileges, listeners);
}

namespace {

config::Health sample_health() {
  config::Health health;
  health.kind = config::Health::Kind::tcp;
  health.path = "/up?a=\"b\"";
  health.path_given = true;
  health.expect = {{200, 204}, {301, 301}};
  health.interval = base::Millis(1);
  health.timeout = base::Millis(2);
  health.start_timeout = base::Millis(3);
  health.healthy_after = 4;
  health.unhealthy_after = 5;
  health.action = config::Health::Action::restart;
  health.host = "example.org";
  health.proto = "https";
  health.headers = {{"X-Probe", "1"}, {"x-probe", "\xff"}};
  return health;
}

config::ProxyOptions sample_proxy_options() {
  config::ProxyOptions options;
  options.balance = config::ProxyOptions::Balance::hash_cookie;
  options.balance_key = "session";
  options.reuse = config::ProxyOptions::Reuse::always;
  options.request_timeout = base::Millis(61);
  options.connect_timeout = base::Millis(62);
  options.body_timeout = base::Millis(63);
  options.send_timeout = base::Millis(64);
  options.max_body = ~0ULL;
  options.keep_alive = base::Millis(65);
  options.keep_alive_requests = 66;
  options.min_body_rate = 67;
  options.tunnel_timeout = base::Millis(68);
  options.half_close_timeout = base::Millis(69);
  options.max_chunk_extensions = 70;
  options.max_trailers = 71;
  options.max_response_head = 72;
  options.max_interim_responses = 73;
  options.hold_requests = 74;
  options.hold_memory = 75;
  options.retry_503 = true;
  options.on_client_abort = config::ProxyOptions::ClientAbort::finish;
  options.half_close = config::ProxyOptions::HalfClose::serve;
  options.request_buffer = 76;
  options.request_buffer_memory = 77;
  options.min_send_rate = 78;
  options.strip_path = true;
  options.via = false;
  options.underscore_headers = config::ProxyOptions::Underscores::reject;
  options.trailers = {"server-timing"};
  options.request_headers = {{{"X-A", "1"}}, {"X-B"}};
  options.response_headers = {{{"X-C", "\xff"}}, {"X-D"}};
  options.error_pages = {{{500, 599}, "/srv/sorry.html", "<h1>sorry</h1>"}};
  return options;
}

config::Listener sample_listener() {
  config::Listener listener;
  listener.name = "public\xff";
  listener.addresses = {base::Address::parse("*:80").value(),
                        base::Address::parse("unix:/run/x.sock").value()};
  listener.default_app = "web";
  listener.trusted_proxies = {{base::Address::parse("10.0.0.0:0").value(), 8}};
  listener.proxy_protocol = true;
  listener.head_timeout = base::Millis(81);
  listener.idle_timeout = base::Millis(82);
  listener.max_target = 83;
  listener.max_head = 84;
  listener.max_field = 85;
  listener.max_fields = 86;
  listener.targets = config::Listener::Targets::strict;
  listener.read_ahead = 87;
  listener.max_connections_per_client = 88;
  listener.access_log = "/var/log/all\xff";
  listener.access_format = config::AccessFormat::combined;
  listener.access_max_size = 2048;
  listener.access_keep = 89;
  listener.access_max_age = base::Millis(90);
  listener.access_total_size = 91;
  listener.access_compress = true;
  listener.source = {"gracevisor.toml", 89, 90};
  return listener;
}

config::App sample_app() {
  config::App app;
  app.name = "web";
  app.command = {"./server", "--title=A \"B\"\n", "caf\xc3\xa9", "\xff\xfe", std::string("nul\0byte", 8), ""};
  app.directory = "releases/current";
  app.environment = {{"KEY", "value"}, {"EMPTY", ""}, {"BYTES", "\x80"}};
  app.environment_file = {{"/etc/web.env", true}, {"web.env", false}};
  app.user = "www:data";
  app.umask = 027;
  app.supplementary_groups = {"www", "4000"};
  app.no_new_privileges = false;
  app.capabilities = {"CAP_NET_BIND_SERVICE", "CAP_CHOWN"};
  app.private_tmp = true;
  app.read_only = {"/etc", "/srv/\xff"};
  app.instances = 4;
  app.scaled_from = 2;
  app.endpoint = config::EndpointKind::none;
  app.listen = {"public", "127.0.0.1:80"};
  app.routes = {{"example.org", "/api", {"a.toml", 3, 4}}, {"", "/", {}}};
  app.protocol = config::Protocol::tcp;
  app.autostart = false;
  app.health = sample_health();
  app.deploy = {
      base::Millis(11), base::Millis(12), base::Millis(13), base::Millis(14), config::Deploy::Upgraded::wait,
      base::Millis(15), base::Millis(16)};
  app.restart = {.policy = config::Restart::Policy::never,
                 .success_exit_codes = {0, 5},
                 .backoff = base::Millis(21),
                 .backoff_max = base::Millis(22),
                 .stable_after = base::Millis(23),
                 .max_failures = 24,
                 .retry_fatal = base::Millis(25)};
  app.stop.ladder = {{2, base::Millis(31)}, {15, base::Millis(32)}};
  app.stop.scope = config::Stop::Scope::main;
  app.stop.leftover = config::Stop::Leftover::leave;
  app.limits = {config::OpenFiles{101, ~0ULL},
                102,
                config::kUnlimited,
                -3,
                config::IoPriority(0x4004),
                -104,
                105ULL << 20U,
                106,
                107};
  app.log = {"/var/log/web.log",
             "/var/log/web.err",
             41,
             42,
             config::AppLog::Format::json,
             "/var/log/\xff",
             config::AccessFormat::combined,
             config::AppLog::OnFull::block,
             base::Millis(43),
             44,
             true};
  app.proxy_options = sample_proxy_options();
  app.source = {"gracevisor.toml", 51, 52};
  return app;
}

}  // namespace

spec::Spec sample_spec() {
  spec::Spec spec;
  spec.app = sample_app();
  spec.directory = "/srv/web/releases/2026\xff";
  spec.program = "/srv/web/server";
  spec.environment = {{"PATH", "/usr/bin"}, {"N\xff", "x"}, {"LINES", "a\nb"}};
  spec.inherited = {"PATH"};
  spec.no_new_privileges = true;
  spec.listeners = {sample_listener()};
  spec.credentials = spawn::Credentials{4294967295U, 1001, {1002, 1003}, "www", "/home/www", "/bin/sh"};
  return spec;
}

}  // namespace gracevisor::test
