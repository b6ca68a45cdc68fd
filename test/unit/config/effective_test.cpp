#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "loading.h"

namespace gracevisor::config {
namespace {

// Sets or removes a variable of the environment for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    int failed = value == nullptr ? ::unsetenv(name_) : ::setenv(name_, value, 1);
    CHECK(failed == 0);
  }
  const char* name_;
  std::optional<std::string> before_;
};

// Everything that can be set, set to something else than its default.
constexpr const char* kEverything = R"([daemon]
workers = 3
runtime_dir = "/r"
state_dir = "/s"
port_range = "5000-5999"
shutdown_timeout = "2m"
upgrade_drain_timeout = "1h"
max_starts = 7
operator_group = "ops"
autodiscover = "/d"
log = { file = "/l/d.log", level = "debug", max_size = "1MiB", keep = 2, max_age = "32d", total_size = "9GB", compress = true }
[listen.public]
address = ["127.0.0.1:80", "unix:/run/x.sock"]
default = "web"
trusted_proxies = ["10.0.0.0/8"]
proxy_protocol = true
head_timeout = "11s"
idle_timeout = "61s"
max_target = "4KiB"
max_head = "64KiB"
max_field = "8KiB"
max_fields = 50
targets = "strict"
read_ahead = "16KiB"
max_connections_per_client = 20
access_log = "/l/access.log"
access_format = "combined"
access_max_size = "2MiB"
access_keep = 3
access_max_age = "31d"
access_total_size = "5GB"
access_compress = true
[app.web]
command = ["server", "a b", "{port}", "\"\u0007"]
directory = "/srv/web"
environment = { SECRET = "hunter2" }
environment_file = ["/etc/web.env", "?/etc/local.env"]
user = "www-data:www-data"
instances = 4
listen = ["public", "*:8080"]
route = ["example.com/api", "*.example.org", "/static"]
autostart = false
[app.web.health]
path = "/up"
expect = "200,204-205"
interval = "1s"
timeout = "1500ms"
start_timeout = "90s"
healthy_after = 2
unhealthy_after = 4
action = "unroute"
host = "example.com"
proto = "https"
headers = { Authorization = "hunter3" }
[app.web.deploy]
timeout = "2m"
guard = "0s"
guard_interval = "2s"
drain_timeout = "1h"
upgraded = "wait"
hold = "1s"
settle = "2s"
[app.web.restart]
policy = "on-abnormal"
success_exit_codes = [0, 3]
backoff = "1s"
backoff_max = "1m"
stable_after = "10s"
max_failures = 7
retry_fatal = "1h"
[app.web.stop]
signal = ["INT:5s", "TERM:10s"]
scope = "main"
leftover = "leave"
[app.web.log]
stdout = "/l/web.log"
stderr = "inherit"
max_size = "3kB"
keep = 0
access = "inherit"
access_format = "combined"
on_full = "block"
max_age = "30d"
total_size = "7GB"
compress = true
[app.web.proxy_options]
balance = "hash:cookie:sid"
request_timeout = "5s"
reuse = "always"
keep_alive = "9s"
keep_alive_requests = 1000
connect_timeout = "2s"
body_timeout = "3s"
min_body_rate = "1KiB"
send_timeout = "4s"
min_send_rate = "2KiB"
request_buffer = "1MiB"
request_buffer_memory = "32MiB"
tunnel_timeout = "30m"
half_close_timeout = "20s"
max_body = "1MiB"
max_chunk_extensions = "1KiB"
max_trailers = 0
max_response_head = "16KiB"
max_interim_responses = 2
hold_requests = 10
hold_memory = "1MiB"
retry_503 = true
on_client_abort = "finish"
half_close = "serve"
strip_path = true
via = false
underscore_headers = "pass"
trailers = ["Server-Timing", "X-Sum"]
request_headers = { set = { X-Who = "\"gv\" \\" }, remove = ["X-Debug"] }
response_headers = { set = { "X.Dotted" = "a" }, remove = ["Server", "X-Powered-By"] }
[app.jobs]
command = "worker"
endpoint = "none"
user = "ada"
[app.tcp]
command = "server"
user = "ada"
listen = "127.0.0.1:81"
health = "tcp"
[app.db]
command = "server"
user = "ada"
listen = "127.0.0.1:82"
proxy = "tcp"
proxy_options.balance = "hash:header:X-Tenant"
)";

}  // namespace

TEST_CASE("effective: what is printed, read again, prints the same") {
  std::string first = effective_text(test::config_of(kEverything, root_user()));
  std::string second = effective_text(test::config_of(first, root_user()));
  CHECK(first == second);
}

TEST_CASE("effective: every line that was set is in the text") {
  std::string text = effective_text(test::config_of(kEverything, root_user()));
  for (const char* line : {"workers = 3",
                           R"(runtime_dir = "/r")",
                           R"(state_dir = "/s")",
                           R"(port_range = "5000-5999")",
                           R"(shutdown_timeout = "2m")",
                           R"(upgrade_drain_timeout = "1h")",
                           "max_starts = 7",
                           R"(operator_group = "ops")",
                           R"(file = "/l/d.log")",
                           R"(level = "debug")",
                           R"(max_size = "1MiB")",
                           "keep = 2",
                           R"(address = ["127.0.0.1:80", "unix:/run/x.sock"])",
                           R"(default = "web")",
                           R"(trusted_proxies = ["10.0.0.0/8"])",
                           R"(access_log = "/l/access.log")",
                           R"(access_max_size = "2MiB")",
                           "access_keep = 3",
                           R"(access_max_age = "31d")",
                           R"(access_total_size = "5GB")",
                           "access_compress = true",
                           R"(max_age = "32d")",
                           R"(total_size = "9GB")",
                           R"(access = "inherit")",
                           R"(access_format = "combined")",
                           R"(command = ["server", "a b", "{port}", "\"\u0007"])",
                           R"(directory = "/srv/web")",
                           R"(environment_file = ["/etc/web.env", "?/etc/local.env"])",
                           R"(user = "www-data:www-data")",
                           "instances = 4",
                           R"(listen = ["public", "*:8080"])",
                           R"(route = ["example.com/api", "*.example.org", "/static"])",
                           "autostart = false",
                           R"(path = "/up")",
                           R"(expect = "200,204-205")",
                           R"(interval = "1s")",
                           R"(timeout = "1500ms")",
                           R"(start_timeout = "90s")",
                           "healthy_after = 2",
                           "unhealthy_after = 4",
                           R"(action = "unroute")",
                           R"(host = "example.com")",
                           R"(proto = "https")",
                           R"(guard = "0s")",
                           R"(guard_interval = "2s")",
                           R"(drain_timeout = "1h")",
                           R"(hold = "1s")",
                           R"(settle = "2s")",
                           R"(policy = "on-abnormal")",
                           "success_exit_codes = [0, 3]",
                           R"(backoff = "1s")",
                           R"(backoff_max = "60s")",
                           R"(stable_after = "10s")",
                           "max_failures = 7",
                           R"(retry_fatal = "1h")",
                           R"(signal = ["INT:5s", "TERM:10s"])",
                           R"(scope = "main")",
                           R"(leftover = "leave")",
                           R"(stdout = "/l/web.log")",
                           R"(stderr = "inherit")",
                           R"(max_size = "3kB")",
                           "keep = 0",
                           R"(on_full = "block")",
                           R"(max_age = "30d")",
                           R"(total_size = "7GB")",
                           "compress = true",
                           "proxy_protocol = true",
                           R"(head_timeout = "11s")",
                           R"(idle_timeout = "61s")",
                           R"(max_target = "4KiB")",
                           R"(max_head = "64KiB")",
                           R"(max_field = "8KiB")",
                           "max_fields = 50",
                           R"(targets = "strict")",
                           R"(read_ahead = "16KiB")",
                           "max_connections_per_client = 20",
                           R"(upgraded = "wait")",
                           R"(balance = "hash:cookie:sid")",
                           R"(balance = "hash:header:X-Tenant")",
                           R"(keep_alive = "9s")",
                           "keep_alive_requests = 1000",
                           R"(min_body_rate = "1KiB")",
                           R"(tunnel_timeout = "30m")",
                           R"(half_close_timeout = "20s")",
                           R"(max_chunk_extensions = "1KiB")",
                           R"(max_trailers = "0")",
                           R"(max_response_head = "16KiB")",
                           "max_interim_responses = 2",
                           "hold_requests = 10",
                           R"(hold_memory = "1MiB")",
                           "retry_503 = true",
                           R"(on_client_abort = "finish")",
                           "strip_path = true",
                           "via = false",
                           R"(underscore_headers = "pass")",
                           R"(trailers = ["server-timing", "x-sum"])",
                           R"(set = { X-Who = "***" })",
                           R"(remove = ["X-Debug"])",
                           R"(set = { "X.Dotted" = "***" })",
                           R"(remove = ["Server", "X-Powered-By"])",
                           R"(proxy = "tcp")",
                           R"(request_timeout = "5s")",
                           R"(reuse = "always")",
                           R"(connect_timeout = "2s")",
                           R"(body_timeout = "3s")",
                           R"(send_timeout = "4s")",
                           R"(min_send_rate = "2KiB")",
                           R"(request_buffer = "1MiB")",
                           R"(request_buffer_memory = "32MiB")",
                           R"(half_close = "serve")",
                           R"(endpoint = "none")",
                           R"(type = "tcp")"}) {
    CAPTURE(line);
    CHECK(text.find("\n" + std::string(line) + "\n") != std::string::npos);
  }
}

TEST_CASE("changed: only what differs from the defaults is printed, with its place, and means the same") {
  const DaemonUser root = root_user();
  const auto changed = [&](std::string_view text) {
    auto loaded = load_text(text, "/etc/gv.toml", root);
    REQUIRE_MESSAGE(loaded.has_value(), test::joined(test::lines(loaded.error())));
    return changed_text(*loaded, root);
  };
  CHECK(changed("[daemon]\nworkers = \"auto\"\n[app.web]\ncommand = \"a b\"\nlisten = \"127.0.0.1:80\"\n"
                "instances = 1\n[app.web.health]\npath = \"/up\"\ninterval = \"5s\"\n") ==
        "# from /etc/gv.toml\n\n[app.web]\ncommand = [\"a\", \"b\"]       # /etc/gv.toml:4\n"
        "listen = [\"127.0.0.1:80\"]  # /etc/gv.toml:5\n\n"
        "[app.web.health]\npath = \"/up\"               # /etc/gv.toml:8\nexpect = \"200-299\"\n");
  CHECK(changed("[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\nhealth = \"tcp\"\n")
            .ends_with("[app.web.health]\ntype = \"tcp\"               # /etc/gv.toml:4\n"));
  CHECK(effective_text(test::config_of(changed(kEverything), root)) ==
        effective_text(test::config_of(kEverything, root)));
}

TEST_CASE("effective: error pages are printed as the files that they came from") {
  test::Folder folder;
  std::string sorry = folder.write("sorry page.html", "sorry");
  std::string text =
      effective_text(test::config_of("[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\nuser = \"ada\"\n"
                                     "proxy_options.error_pages = { 5xx = \"" +
                                         sorry + "\", 404 = \"" + sorry + "\" }\n",
                                     root_user()));
  CHECK(text.find("\nerror_pages = { 500-599 = \"" + sorry + "\", 404 = \"" + sorry + "\" }\n") !=
        std::string::npos);
  CHECK(effective_text(test::config_of(text, root_user())) == text);
}

TEST_CASE("effective: values of environments and headers are masked") {
  std::string text = effective_text(test::config_of(kEverything, root_user()));
  CHECK(text.find(R"(environment = { SECRET = "***" })") != std::string::npos);
  CHECK(text.find(R"(headers = { Authorization = "***" })") != std::string::npos);
  CHECK(text.find("hunter") == std::string::npos);
}

TEST_CASE("find_file: what is given, then the environment, then the usual places") {
  Variable variable("GRACEVISOR_CONFIG", "/x/from-environment.toml");
  CHECK(find_file("/x/given.toml", true) == "/x/given.toml");
  CHECK(find_file("", true) == "/x/from-environment.toml");
  Variable unset("GRACEVISOR_CONFIG", nullptr);
  if (std::filesystem::exists("/etc/gracevisor/gracevisor.toml")) {
    CHECK(find_file("", true) == "/etc/gracevisor/gracevisor.toml");
    return;
  }
  test::Folder folder;
  auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  CHECK_FALSE(find_file("", true).has_value());
  folder.write("gracevisor.toml", "");
  CHECK(find_file("", false) == "./gracevisor.toml");
  CHECK_FALSE(find_file("", true).has_value());  // root may stand in anybody's folder
  std::filesystem::current_path(before);
}

TEST_CASE("user: an ordinary user's folders follow the XDG variables") {
  Variable runtime("XDG_RUNTIME_DIR", "/xdg/run");
  Variable state("XDG_STATE_HOME", "/xdg/state");
  DaemonUser me = usual_folders({1234, 1234, "ada", "staff", {}, {}}, "/home/ada");
  CHECK(me.runtime_dir == "/xdg/run/gracevisor");
  CHECK(me.state_dir == "/xdg/state/gracevisor");
  CHECK(usual_folders({0, 0, "root", "root", {}, {}}, "/root").runtime_dir == "/run/gracevisor");
}

TEST_CASE("user: without the XDG variables there are fallbacks") {
  Variable runtime("XDG_RUNTIME_DIR", nullptr);
  Variable state("XDG_STATE_HOME", "relative/is/ignored");
  DaemonUser me = usual_folders({1234, 1234, "ada", "staff", {}, {}}, "/home/ada");
  CHECK(me.runtime_dir == "/tmp/gracevisor-1234");
  CHECK(me.state_dir == "/home/ada/.local/state/gracevisor");
}

TEST_CASE("user: the current one is that of this process") {
  DaemonUser me = current_user();
  CHECK(me.root() == (::geteuid() == 0));
  CHECK(me.runtime_dir.is_absolute());
  CHECK(me.state_dir.is_absolute());
}

TEST_CASE("configs: the configuration to start from loads, as it is and with every example used") {
  auto path = std::filesystem::path(GV_CONFIGS) / "gracevisor.toml";
  auto text = base::read_file(path, 1U << 20);
  REQUIRE(text.has_value());
  test::Folder folder;  // without a conf.d
  auto plain = load_text(*text, folder.path("gv.toml"), root_user());
  REQUIRE_MESSAGE(plain.has_value(), test::joined(test::lines(plain.error())));
  CHECK(plain->config.apps.empty());
  CHECK(plain->warnings.empty());

  std::string used;
  for (std::size_t i = 0; i < text->size(); ++i) {
    bool at_start = i == 0 || (*text)[i - 1] == '\n';
    bool example = at_start && (*text)[i] == '#' && i + 1 < text->size() &&
                   std::string_view(" \n").find((*text)[i + 1]) == std::string_view::npos;
    if (!example) used += (*text)[i];
  }
  auto all = load_text(used, folder.path("gv.toml"), root_user());
  REQUIRE_MESSAGE(all.has_value(), test::joined(test::lines(all.error())));
  CHECK(all->config.apps.size() == 3);
  CHECK(all->warnings.empty());
}

}  // namespace gracevisor::config
