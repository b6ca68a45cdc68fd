// [app.NAME]: its own keys, and [deploy] below it. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/health_keys.h"
#include "config/key.h"
#include "config/limit_keys.h"
#include "config/log_keys.h"
#include "config/privilege_values.h"
#include "config/proxy_option_keys.h"
#include "config/read_table.h"
#include "config/restart_keys.h"
#include "config/stop_keys.h"

namespace gracevisor::config {

using Environment = std::map<std::string, std::string>;
using EnvironmentFiles = std::vector<EnvironmentFile>;
using Routes = std::vector<Route>;

// What is started: command_keys.cpp.
void read_command(Reading& reading, const Item& item, std::vector<std::string>& command);
[[nodiscard]] std::string names_text(const std::vector<std::string>& names);
[[nodiscard]] std::string directory_text(const std::filesystem::path& directory);
void read_environment(Reading& reading, const Item& item, Environment& environment);
[[nodiscard]] std::string environment_text(const Environment& environment);
void read_environment_files(Reading& reading, const Item& item, EnvironmentFiles& files);
[[nodiscard]] std::string environment_files_text(const EnvironmentFiles& files);
void read_user(Reading& reading, const Item& item, std::string& user);

// Where clients reach it: route_keys.cpp. Listener names are looked up once all files have been read.
void read_listen(Reading& reading, const Item& item, std::vector<std::string>& listen);
void read_route(Reading& reading, const Item& item, Routes& routes, Protocol& protocol);
[[nodiscard]] std::string routes_text(const Routes& routes, const Protocol& protocol);
void read_routes(Reading& reading, const Item& item, Routes& routes);
[[nodiscard]] base::Expected<std::string> parse_route_host(std::string_view text);
// For the long form, which has no text of its own: `route` writes the routes.
template <class T>
[[nodiscard]] std::string no_text(const T& /*part*/) {
  return {};
}

// Keys that are reserved for later versions.
void read_exclusive(Reading& reading, const Item& item);
void read_keep_previous(Reading& reading, const Item& item);

inline constexpr Choice<EndpointKind> kEndpoints[] = {{"port", EndpointKind::port},
                                                      {"socket", EndpointKind::socket},
                                                      {"fd", EndpointKind::fd},
                                                      {"none", EndpointKind::none}};
inline constexpr Choice<Protocol> kProtocols[] = {{"http", Protocol::http}, {"tcp", Protocol::tcp}};
inline constexpr Choice<Deploy::Upgraded> kUpgraded[] = {
    {"close", Deploy::Upgraded::close}, {"wait", Deploy::Upgraded::wait}, {"now", Deploy::Upgraded::now}};

void keys(auto& key, IsA<Route> auto& value) {
  auto& [host, path, source] = value;
  key({"host", Takes::table, {}},
      Parsed{parse_route_host, no_text<std::string>, R"(a host such as "example.com")"}, host);
  key({"path", Takes::table, {}}, Parsed{parse_route_path, no_text<std::string>, R"(a path such as "/api")"},
      path);
  key.kept("source", source);
}

void keys(auto& key, IsA<Deploy> auto& value) {
  auto& [timeout, guard, guard_interval, drain_timeout, upgraded, hold, settle] = value;
  key.also({"strategy", Takes::next_use, "another way than all new instances beside all old ones"},
           Later{FixedWord{"blue-green", {"rolling", "replace"}}});
  key({"timeout", Takes::next_use,
       "from its start until an instance is healthy; otherwise a deploy fails, and a live one is ended"},
      kTicks, timeout);
  key({"guard", Takes::next_use, "how long the old generation keeps running, ready to be swapped back"},
      kTicksOrNone, guard);
  key({"guard_interval", Takes::table, "between two probes during the guard"}, kTicks, guard_interval);
  key({"drain_timeout", Takes::table, R"("auto": proxy_options.request_timeout + 5 s)"},
      DurationOrAuto{kTicksOrNone.bounds}, drain_timeout);
  key({"upgraded", Takes::table,
       R"(WebSockets after cutover: "close" gradually, "wait" until the drain deadline, "now" at once)"},
      OneOf{kUpgraded}, upgraded);
  key({"hold", Takes::table, "how long a request waits for an instance that is due; 0: 503 at once"},
      kTicksOrNone, hold);
  key.also({"keep_previous", Takes::next_use, "how long an old generation stays after its guard"},
           Later{By<>{read_keep_previous, [] { return std::string(R"("0s")"); }, R"("0s")"}});
  key({"settle", Takes::next_use, "how long an app without an endpoint must run to count as healthy"},
      kTicksOrNone, settle);
}

void keys(auto& key, IsA<App> auto& value) {
  auto& [name, command, directory, environment, environment_file, user, umask, supplementary_groups,
         no_new_privileges, capabilities, private_tmp, read_only, instances, scaled_from, endpoint, listen,
         routes, protocol, autostart, health, deploy, restart, stop, limits, log, proxy_options, source] =
      value;
  constexpr Compared kResolved = Compared::as_resolved;
  key.kept("name", name);
  key({"command", Takes::deploy, "a string is split as a shell would split it; no shell runs it",
       R"(["./server", "--port", "{port}"])"},
      By{read_command, names_text, "a command as a list of strings or as one string"}, command);
  key({"directory", Takes::deploy, "symbolic links are resolved once per generation", R"("/srv/web/current")",
       kResolved},
      By{read_path, directory_text, "a path"}, directory);
  key({"environment",
       Takes::deploy,
       "added to a clean minimum; {directory} and {port} are filled in",
       {},
       kResolved},
      By{read_environment, environment_text, R"(a table such as { RAILS_ENV = "production" })"}, environment);
  key({"environment_file", Takes::deploy, R"(KEY=VALUE lines; "?file" may be missing)", {}, kResolved},
      By{read_environment_files, environment_files_text, "a file's path or a list of paths"},
      environment_file);
  key({"user", Takes::deploy, "without it the daemon's user", R"("www-data")", kResolved},
      By{read_user, quote_if_set, R"(a user such as "www-data" or "www-data:www-data")"}, user);
  key({"umask", Takes::deploy, "the daemon's own is never passed on"},
      By{read_umask, umask_text, R"(an octal mask such as "022")"}, umask);
  key({"supplementary_groups", Takes::deploy, R"(a list: these alone)"},
      By{read_groups, groups_text, R"("user", which is those of the user, or a list of groups)"},
      supplementary_groups);
  key({"no_new_privileges", Takes::deploy,
       "sudo and other set-id programs gain nothing; without it true for a user other than root", "true"},
      OrUnset{Boolean{}}, no_new_privileges);
  key({"capabilities", Takes::deploy, "kept for a user other than root, and all that its programs can get"},
      By{read_capabilities, list_text, R"(a list such as ["CAP_NET_BIND_SERVICE"])"}, capabilities);
  key({"private_tmp", Takes::deploy, "each instance has an empty /tmp and /var/tmp of its own, in memory"},
      Boolean{}, private_tmp);
  key({"read_only", Takes::deploy, "what the app cannot change, with everything below"},
      By{read_paths, paths_text, "a path or a list of paths"}, read_only);
  key({"instances", Takes::scale, "how many processes of the app run"}, Number{{1, kMostInstances}},
      instances);
  key.kept("scaled_from", scaled_from);
  key({"autostart", Takes::next_use, "start it with the daemon"}, Boolean{}, autostart);
  key({"endpoint", Takes::deploy,
       R"({port}, env PORT and HOST=127.0.0.1; "socket": {socket}, env SOCKET; )"
       R"("fd": socket activation; "none": a worker process, not routed)"},
      OneOf{kEndpoints}, endpoint);
  key({"listen", Takes::listener, "a listener that apps share, or an address of the app's own",
       R"("public")"},
      By{read_listen, names_text, "a listener's name, an address, or a list of either"}, listen);
  key({"route", Takes::table, "without any, every host and path of the listener", R"("example.com/api")"},
      By{read_route, routes_text, R"(a route such as "example.com/api" or a list of routes)"},
      named("routes", routes), context(protocol));
  key.also({"routes", Takes::table, "the long form of route, also written [[app.NAME.routes]]",
            R"([{ host = "example.com", path = "/api" }])"},
           By{read_routes, no_text<Routes>, "tables with host and path"}, routes);
  key({"proxy", Takes::deploy, R"("tcp": any protocol, on a listener of the app's own)"}, OneOf{kProtocols},
      named("protocol", protocol));
  key.also({"exclusive", Takes::deploy, "never two copies at a time"},
           Later{By<>{read_exclusive, [] { return std::string("false"); }, "false"}});
  key.table({"health", Takes::deploy, R"(short forms: health = "/health", health = "tcp")"}, HealthTable{},
            health, context(endpoint));
  key.table({"deploy", Takes::next_use, {}}, PlainTable{}, deploy);
  key.table({"restart", Takes::next_use, "how instances that exit by themselves are replaced"}, PlainTable{},
            restart);
  key.table({"stop", Takes::deploy, "how an instance is ended once it is drained"}, StopTable{}, stop);
  key.table({"limits", Takes::deploy, "limits of each of its processes; without them the daemon's own"},
            PlainTable{}, limits);
  key.table({"log", Takes::writer, "the app's output and its requests"}, PlainTable{}, log);
  key.table({"proxy_options", Takes::table, "how the proxy treats the app's requests"}, PlainTable{},
            proxy_options);
  key.kept("source", source);
}

}  // namespace gracevisor::config
