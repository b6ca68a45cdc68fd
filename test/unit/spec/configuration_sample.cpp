#include "configuration_sample.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <variant>

#include "config/daemon_user.h"
#include "config/difference.h"
#include "config/files.h"
#include "config/keys.h"
#include "spec/configuration_record.h"
#include "state_sample.h"

namespace gracevisor::test {
namespace {

// With every key that can be set, in one of the apps at least; what only root, or a file beside it, can give
// is added by sample_config().
constexpr std::string_view kEverything = R"([daemon]
workers = 3
runtime_dir = "/r"
state_dir = "/s"
port_range = "5000-5999"
shutdown_timeout = "2m"
upgrade_drain_timeout = "1h"
max_starts = 7
operator_group = "ops"
cgroups = false
log = { file = "/l/d.log", level = "debug", max_size = "1MiB", keep = 2, max_age = "32d", total_size = "9GB", compress = true }
[listen.public]
address = ["127.0.0.1:80", "unix:/run/x.sock", "[::1]:81"]
default = "web"
trusted_proxies = ["10.0.0.0/8", "::1", "::ffff:10.0.0.0/104"]
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
access_total_size = "8GB"
access_compress = true
[app.web]
command = ["server", "a b", "{port}", "\"\u0007", ""]
directory = "/srv/web"
environment = { SECRET = "hunter2", "ODD.NAME" = "é" }
environment_file = ["/etc/web.env", "?/etc/local.env"]
umask = "027"
supplementary_groups = ["www-data", "4000"]
no_new_privileges = false
capabilities = ["CAP_NET_BIND_SERVICE", "chown"]
private_tmp = true
read_only = ["/etc", "data"]
instances = 4
listen = ["public", "*:8080"]
routes = [{ host = "example.com", path = "/a://b" }, { host = "*.example.org" }, { path = "/static/" }, {host = "[::1]"}]
autostart = false
[app.web.health]
path = "/up"
expect = "200,204-205"
interval = "1s"
timeout = "1500ms"
start_timeout = "90s"
healthy_after = 2
unhealthy_after = 4
action = "restart"
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
[app.web.limits]
nofile = "1024:4096"
nproc = 512
core = "unlimited"
nice = -5
io_class = "realtime:1"
oom_score_adj = -1000
[app.web.log]
stdout = "/l/web.log"
stderr = "inherit"
max_size = "3kB"
keep = 0
format = "json"
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
command = "worker '~/no home'"
supplementary_groups = []
no_new_privileges = true
limits = { nofile = 4096, core = 0, nice = 19, io_class = "idle", oom_score_adj = 1000, memory = "1GiB", tasks = 64, cpu = "150%" }
endpoint = "none"
[app.tcp]
command = "server"
listen = "127.0.0.1:81"
health = "tcp"
[app.db]
command = "server"
listen = "127.0.0.1:82"
proxy = "tcp"
stop = { timeout = "7s" }
proxy_options.balance = "hash:header:X-Tenant"
[app.activated]
command = "server"
endpoint = "fd"
health = { expect = "204" }
)";

std::string show_value(const config::Value& value);
std::string show_tree(const config::Table& table) {
  std::string text;
  for (const config::Entry& entry : table) {
    text += entry.key + show(entry.source) + show_value(entry.value);
  }
  return text;
}
struct ShowData {
  std::string operator()(const std::string& text) const { return "s" + show(text); }
  std::string operator()(std::int64_t number) const { return "i" + std::to_string(number); }
  std::string operator()(double number) const { return "f" + fmt::format("{}", number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(config::Value::Date /*date*/) const { return "date"; }
  std::string operator()(const config::Array& array) const {
    std::string text = "[";
    for (const config::Value& value : array) text += show_value(value) + ",";
    return text + "]";
  }
  std::string operator()(const config::Table& table) const { return "{" + show_tree(table) + "}"; }
};
std::string show_value(const config::Value& value) {
  return show(value.source) + std::visit(ShowData(), value.data);
}
std::string show_files(const config::Files& files) {
  std::string text;
  for (const config::File& file : files) {
    const auto& [name, tree, owner, of_app_folder, stamp] = file;
    const auto& [device, inode, size, changed_s, changed_ns] = stamp;
    text += show_all(name, show_tree(tree), owner, of_app_folder, device, inode, size, changed_s, changed_ns);
  }
  return text;
}

}  // namespace

std::string lines(const std::vector<config::Diagnostic>& diagnostics) {
  std::string text;
  for (const config::Diagnostic& diagnostic : diagnostics) text += diagnostic.line() + "\n";
  return text;
}

config::Config config_of(std::string_view text, const std::filesystem::path& file) {
  auto loaded = config::load_text(text, file, config::current_user());
  REQUIRE_MESSAGE(loaded.has_value(), lines(loaded.error()));
  return std::move(loaded->config);
}

config::Config sample_config(const TempFolder& folder) {
  const auto apps = folder / "apps";
  REQUIRE(::mkdir(apps.c_str(), 0755) == 0);
  (void)folder.write("apps/late.toml",
                     "[app.late]\ncommand = \"late\"\nlisten = \"public\"\nroute = \"/late\"\n", 0644);
  std::string text(kEverything);
  text.insert(text.find("[listen"), fmt::format("autodiscover = \"{}\"\n", apps.string()));
  config::Config config = config_of(text, folder / "gv.toml");
  config::App& web = config.apps.front();
  web.user = "www-data:www-data";
  web.scaled_from = 2;
  web.proxy_options.error_pages = {{{500, 599}, "/srv/sorry.html", "<h1>\xff</h1>"}};
  config.owner = 4711;
  return config;
}

std::string text_of(const config::Config& config) {
  auto text = spec::to_text(config, "/etc/gv.toml", kWhen);
  REQUIRE(text.has_value());
  return *text;
}

std::string error_of(const std::string& text) {
  auto record = spec::configuration_from_text(text);
  return record ? "" : record.error().what;
}

config::Config back(const config::Config& config) {
  auto record = spec::configuration_from_text(text_of(config));
  REQUIRE_MESSAGE(record.has_value(), record.error().what);
  return std::move(record->config);
}

void check_same(const config::Config& one, const config::Config& other) {
  CHECK(config::find_differences(one.daemon, other.daemon).empty());
  CHECK(show(one.listeners) == show(other.listeners));
  CHECK(show(one.apps) == show(other.apps));
  CHECK(show(one.files) == show(other.files));
  CHECK(one.owner == other.owner);
  CHECK(show(one.places.entries()) == show(other.places.entries()));
  REQUIRE((one.trees == nullptr) == (other.trees == nullptr));
  if (one.trees != nullptr) CHECK(show_files(*one.trees) == show_files(*other.trees));
}

}  // namespace gracevisor::test
