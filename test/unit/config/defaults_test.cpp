#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>

#include "loading.h"

namespace gracevisor::config {

namespace {

// "app.web.health.interval" -> "\"5s\"", and "# app.web.user" -> an example.
std::map<std::string, std::string> keys_of(std::string_view text) {
  std::map<std::string, std::string> out;
  std::string section;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) section = std::string(line.substr(1, line.find(']') - 1)) + ".";
    std::string mark = line.starts_with("# ") ? "# " : "";
    line.remove_prefix(mark.size());
    auto equals = line.find(" = ");
    std::string_view key = line.substr(0, line.find(' '));
    bool padded =
        equals != std::string_view::npos &&
        line.substr(key.size(), equals - key.size()).find_first_not_of(' ') == std::string_view::npos;
    if (!padded) continue;
    auto value = line.substr(equals + 3);
    value = value.substr(0, value.find("  "));
    out[mark + section + std::string(key)] = value;
  }
  return out;
}

// The keys and defaults that users are promised; "# ": without a default, shown as an example.
const std::map<std::string, std::string>& promised() {
  static const std::map<std::string, std::string> kKeys = {
      {"include", "[]"},
      {"daemon.workers", R"("auto")"},
      {"daemon.runtime_dir", R"("/run/gracevisor")"},
      {"daemon.state_dir", R"("/var/lib/gracevisor")"},
      {"daemon.port_range", R"("20000-29999")"},
      {"daemon.log.file", R"("")"},
      {"daemon.log.level", R"("info")"},
      {"daemon.log.max_size", R"("50MiB")"},
      {"daemon.log.keep", "5"},
      {"daemon.shutdown_timeout", R"("auto")"},
      {"daemon.operator_group", R"("gracevisor")"},
      {"# listen.public.address", R"(["*:80"])"},
      {"# listen.public.default", R"("web")"},
      {"listen.public.trusted_proxies", "[]"},
      {"listen.public.proxy_protocol", "false"},
      {"listen.public.head_timeout", R"("10s")"},
      {"listen.public.idle_timeout", R"("60s")"},
      {"listen.public.max_target", R"("8KiB")"},
      {"listen.public.max_head", R"("32KiB")"},
      {"listen.public.max_field", R"("16KiB")"},
      {"listen.public.max_fields", "100"},
      {"listen.public.targets", R"("as-sent")"},
      {"listen.public.read_ahead", R"("64KiB")"},
      {"listen.public.max_connections_per_client", R"("auto")"},
      {"# listen.public.access_log", R"("/var/log/gracevisor/access.log")"},
      {"listen.public.access_format", R"("json")"},
      {"# app.web.command", R"(["./server", "--port", "{port}"])"},
      {"# app.web.directory", R"("/srv/web/current")"},
      {"app.web.environment", "{}"},
      {"app.web.environment_file", "[]"},
      {"# app.web.user", R"("www-data")"},
      {"app.web.instances", "1"},
      {"app.web.endpoint", R"("port")"},
      {"# app.web.listen", R"("public")"},
      {"# app.web.route", R"("example.com/api")"},
      {"# app.web.routes", R"([{ host = "example.com", path = "/api" }])"},
      {"app.web.proxy", R"("http")"},
      {"app.web.exclusive", "false"},
      {"app.web.autostart", "true"},
      {"app.web.health.type", R"("http")"},
      {"# app.web.health.path", R"("/")"},
      {"# app.web.health.expect", R"("200-299")"},
      {"app.web.health.interval", R"("5s")"},
      {"app.web.health.timeout", R"("2s")"},
      {"app.web.health.start_timeout", R"("10s")"},
      {"app.web.health.healthy_after", "1"},
      {"app.web.health.unhealthy_after", "3"},
      {"app.web.health.action", R"("unroute")"},
      {"# app.web.health.host", R"("example.com")"},
      {"app.web.health.proto", R"("http")"},
      {"app.web.health.headers", "{}"},
      {"app.web.deploy.strategy", R"("blue-green")"},
      {"app.web.deploy.timeout", R"("60s")"},
      {"app.web.deploy.guard", R"("10s")"},
      {"app.web.deploy.guard_interval", R"("1s")"},
      {"app.web.deploy.drain_timeout", R"("auto")"},
      {"app.web.deploy.upgraded", R"("close")"},
      {"app.web.deploy.hold", R"("10s")"},
      {"app.web.deploy.keep_previous", R"("0s")"},
      {"app.web.deploy.settle", R"("5s")"},
      {"app.web.restart.policy", R"("always")"},
      {"app.web.restart.backoff", R"("500ms")"},
      {"app.web.restart.backoff_max", R"("30s")"},
      {"app.web.restart.stable_after", R"("30s")"},
      {"app.web.restart.max_failures", "0"},
      {"app.web.stop.signal", R"("TERM")"},
      {"app.web.stop.timeout", R"("30s")"},
      {"app.web.stop.scope", R"("group")"},
      {"app.web.stop.leftover", R"("kill")"},
      {"# app.web.log.stdout", R"("/var/log/gracevisor/web.log")"},
      {"app.web.log.stderr", R"("stdout")"},
      {"app.web.log.max_size", R"("50MiB")"},
      {"app.web.log.keep", "5"},
      {"# app.web.log.access", R"("/var/log/gracevisor/web.access.log")"},
      {"app.web.log.access_format", R"("json")"},
      {"app.web.log.on_full", R"("drop")"},
      {"app.web.proxy_options.balance", R"("p2c")"},
      {"app.web.proxy_options.request_timeout", R"("60s")"},
      {"app.web.proxy_options.reuse", R"("idempotent")"},
      {"app.web.proxy_options.connect_timeout", R"("1s")"},
      {"app.web.proxy_options.body_timeout", R"("30s")"},
      {"app.web.proxy_options.send_timeout", R"("30s")"},
      {"app.web.proxy_options.min_send_rate", R"("500B")"},
      {"app.web.proxy_options.request_buffer", R"("64KiB")"},
      {"app.web.proxy_options.request_buffer_memory", R"("16MiB")"},
      {"app.web.proxy_options.half_close", R"("abort")"},
      {"app.web.proxy_options.max_body", R"("100MiB")"},
      {"app.web.proxy_options.keep_alive", R"("4s")"},
      {"app.web.proxy_options.keep_alive_requests", "0"},
      {"app.web.proxy_options.min_body_rate", R"("500B")"},
      {"app.web.proxy_options.tunnel_timeout", R"("1h")"},
      {"app.web.proxy_options.half_close_timeout", R"("30s")"},
      {"app.web.proxy_options.max_chunk_extensions", R"("8KiB")"},
      {"app.web.proxy_options.max_trailers", R"("8KiB")"},
      {"app.web.proxy_options.max_response_head", R"("32KiB")"},
      {"app.web.proxy_options.max_interim_responses", "16"},
      {"app.web.proxy_options.hold_requests", "1000"},
      {"app.web.proxy_options.hold_memory", R"("16MiB")"},
      {"app.web.proxy_options.retry_503", "false"},
      {"app.web.proxy_options.on_client_abort", R"("close")"},
      {"app.web.proxy_options.strip_path", "false"},
      {"app.web.proxy_options.via", "true"},
      {"app.web.proxy_options.underscore_headers", R"("drop")"},
      {"app.web.proxy_options.trailers", "[]"},
      {"app.web.proxy_options.request_headers.set", "{}"},
      {"app.web.proxy_options.request_headers.remove", "[]"},
      {"app.web.proxy_options.response_headers.set", "{}"},
      {"app.web.proxy_options.response_headers.remove", "[]"},
      {"# app.web.proxy_options.error_pages", R"({ 5xx = "/srv/sorry.html" })"},
  };
  return kKeys;
}

// The same text with every example made live.
std::string with_examples(std::string text) {
  for (std::string_view key : {"command", "directory", "user", "listen", "route", "path", "expect", "host",
                               "stdout", "address", "default", "access", "access_log"}) {
    for (auto at = text.find("\n# " + std::string(key) + " "); at != std::string::npos;
         at = text.find("\n# " + std::string(key) + " ", at)) {
      text.erase(at + 1, 2);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("defaults: the printed table has every promised key with its default, and no other") {
  auto printed = keys_of(defaults_text());
  for (const auto& [key, value] : promised()) {
    CAPTURE(key);
    REQUIRE(printed.contains(key));
    CHECK(printed[key] == value);
  }
  for (const auto& [key, value] : printed) {
    CAPTURE(key);
    CHECK(promised().contains(key));
  }
}

TEST_CASE("defaults: [limits] is shown as a table that may stay empty") {
  CHECK(defaults_text().find("\n[app.web.limits]") != std::string::npos);
}

TEST_CASE("defaults: the printed table with its examples is a valid configuration") {
  auto errors = test::errors_of(with_examples(defaults_text()), root_identity());
  CHECK_MESSAGE(errors.empty(), test::joined(errors));
}

TEST_CASE("defaults: spelling out every default changes nothing") {
  std::string text = defaults_text();
  auto insert_below = [&](const std::string& header, const std::string& line) {
    auto at = text.find('\n', text.find("\n[" + header + "]") + 1);
    REQUIRE(at != std::string::npos);
    text.insert(at + 1, line);
  };
  insert_below("listen.public", "address = \"*:80\"\n");
  insert_below("app.web", "command = \"server\"\nlisten = \"public\"\n");
  Config spelled = test::config_of(text, root_identity());
  Config plain = test::config_of(
      "[listen.public]\naddress = \"*:80\"\n[app.web]\ncommand = \"server\"\nlisten = \"public\"\n",
      root_identity());
  CHECK(effective_text(spelled) == effective_text(plain));
  CHECK_FALSE(spelled.apps.front().health.path_given);
}

TEST_CASE("defaults: the smallest useful file gives an app with everything filled in") {
  Config config = test::config_of(
      "[app.web]\ncommand = \"gunicorn --bind 127.0.0.1:{port} web:app\"\nlisten = \"0.0.0.0:8080\"\nhealth "
      "= "
      "\"/health\"\n",
      root_identity());
  const App& app = config.apps.front();
  CHECK(app.command == std::vector<std::string>{"gunicorn", "--bind", "127.0.0.1:{port}", "web:app"});
  CHECK(app.directory.empty());
  CHECK(app.user.empty());
  CHECK(app.instances == 1);
  CHECK(app.endpoint == EndpointKind::port);
  CHECK(app.autostart);
  CHECK(app.listen == std::vector<std::string>{"0.0.0.0:8080"});
  REQUIRE(app.routes.size() == 1);
  CHECK(app.routes.front() == Route{"", "/", {}});
  CHECK(app.health.path == "/health");
  CHECK(app.health.path_given);
  CHECK(app.health.expect == std::vector<StatusRange>{{200, 299}});
  CHECK(app.drain_timeout() == Millis(65000));
  REQUIRE(app.stop.ladder.size() == 1);
  CHECK(app.stop.ladder.front().signal == 15);
  CHECK(app.stop.ladder.front().wait == Millis(30000));
  CHECK(config.daemon.runtime_dir == "/run/gracevisor");
  CHECK(config.daemon.state_dir == "/var/lib/gracevisor");
  CHECK(config.daemon.workers == 0);
  CHECK(config.shutdown_timeout() == Millis(65000 + 30000 + 10000));
  REQUIRE(config.find_listener("0.0.0.0:8080") != nullptr);
  CHECK(config.find_listener("0.0.0.0:8080")->addresses.front().text() == "0.0.0.0:8080");
  CHECK(config.find_app("web") == &app);
  CHECK(config.find_app("wep") == nullptr);
}

TEST_CASE("defaults: an ordinary user's folders lie in that user's places") {
  Config config = test::config_of("[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n");
  CHECK(config.daemon.runtime_dir == "/run/user/1000/gracevisor");
  CHECK(config.daemon.state_dir == "/home/ada/.local/state/gracevisor");
}

}  // namespace gracevisor::config
