#include "migrate/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/codecs.h"
#include "config/restart_keys.h"
#include "migrate/web_server.h"

namespace gracevisor::migrate {
namespace {

constexpr std::size_t kLongestName = 63;

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string valid_name(std::string_view theirs) {
  std::string name;
  for (char c : theirs) {
    if (name.size() < kLongestName) name += name_character(c) ? c : '-';
  }
  auto first = name.find_first_not_of("-_");
  name = first == std::string::npos ? "app" : name.substr(first);
  return name == "all" ? "all-1" : name;
}

std::string numbered(const std::string& name, unsigned number) {
  std::string suffix = fmt::format("-{}", number);
  return name.substr(0, kLongestName - suffix.size()) + suffix;
}

constexpr std::string_view kTakesOver =
    "clients and proxies in front reach it where they did, and each instance gets a port or socket of its "
    "own";

}  // namespace

std::string as_template(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '{' || c == '}') out += c;
    out += c;
  }
  return out;
}

Command as_template(const std::vector<std::string>& words) {
  Command out;
  out.reserve(words.size());
  for (const std::string& word : words) out.push_back(as_template(word));
  return out;
}

void App::remark(std::string theirs, std::string says) {
  remarks.push_back({std::move(theirs), std::move(says)});
}

void App::set(std::string_view table, std::string_view key, std::string value) {
  for (Entry& entry : entries) {
    if (entry.table != table || entry.key != key) continue;
    entry.value = std::move(value);
    entry.example = false;
    return;
  }
  entries.push_back({std::string(table), std::string(key), std::move(value)});
}

void App::set_text(std::string_view table, std::string_view key, std::string_view text) {
  set(table, key, config::quote(text));
}

void App::set_number(std::string_view table, std::string_view key, std::uint64_t number) {
  set(table, key, std::to_string(number));
}

void App::set_success(std::string_view codes, std::vector<int> also, const std::string& theirs) {
  constexpr std::string_view kBetween = ", \t";
  while (true) {
    const auto begin = codes.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) break;
    const std::string_view word = codes.substr(begin, codes.find_first_of(kBetween, begin) - begin);
    codes.remove_prefix(begin + word.size());
    unsigned char code = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), code);
    if (failed == std::errc() && end == word.data() + word.size()) {
      also.push_back(code);
    } else {
      remark(theirs, fmt::format("{} is no exit code from 0 to 255", config::quote(std::string(word))));
    }
  }
  std::ranges::sort(also);
  const auto twice = std::ranges::unique(also);
  also.erase(twice.begin(), twice.end());
  if (also != std::vector{0}) set("restart", "success_exit_codes", config::exit_codes_text(also));
}

void App::set_duration(std::string_view table, std::string_view key, Millis value, const std::string& theirs,
                       Millis least) {
  Millis kept = std::clamp(value, least, config::kDay);
  if (kept != value) {
    remark(theirs, fmt::format("{} is at least {} and at most {} here", key, config::duration_text(least),
                               config::duration_text(config::kDay)));
  }
  set(table, key, config::quote(config::duration_text(kept)));
}

void App::example(std::string_view table, std::string_view key, std::string value) {
  entries.push_back({std::string(table), std::string(key), std::move(value), true});
}

void App::set_environment(const Environment& environment) {
  for (const auto& [variable, value] : environment) {
    entries.push_back({"environment", variable, config::quote(value)});
  }
}

App& Draft::add_app(std::string_view name, const std::string& theirs) {
  App app;
  const std::string valid = valid_name(name);
  app.name = valid;
  for (unsigned number = 2; !names_.insert(app.name).second; ++number) app.name = numbered(valid, number);
  if (app.name != name) {
    app.remark(theirs,
               fmt::format("{} here: a name has letters, digits, - and _, and occurs once", app.name));
  }
  apps.push_back(std::move(app));
  return apps.back();
}

void Draft::set_program(App& app, const Command& command, Environment environment,
                        const std::vector<Command>& more) {
  if (!reach_server(app, command, environment, more)) {
    app.set("", "command", config::list_text(command));
    if (!reach_port_variable(app, environment)) {
      app.set_text("", "endpoint", "none");
      if (auto hint = web_hint(command); !hint.empty()) app.remark("", hint);
    }
  }
  app.set_environment(environment);
}

unsigned Draft::claim_free_port(unsigned first) {
  while (!ports_.insert(first).second) ++first;
  return first;
}

bool Draft::reach_server(App& app, const Command& command, Environment& environment,
                         const std::vector<Command>& more) {
  auto server = web_server(command);
  if (!server) return false;
  std::vector<std::string> addresses{server->address};
  for (const Command& other : more) {
    auto same = web_server(other);
    if (!same || same->command != server->command) return false;
    addresses.push_back(same->address);
  }
  if (addresses[0].empty()) return false;
  if (!claim_addresses(app, addresses)) return false;
  environment.erase("PORT");  // the instance's own from now on
  app.set("", "command", config::list_text(server->command));
  if (server->unix_socket) app.set_text("", "endpoint", "socket");
  app.set("", "listen", addresses.size() == 1 ? config::quote(addresses[0]) : config::list_text(addresses));
  app.example("", "health", R"("/health")");
  app.remark("", fmt::format("{} listened on {}: {}", server->name, fmt::join(addresses, ", "), kTakesOver));
  return true;
}

bool Draft::reach_port_variable(App& app, Environment& environment) {
  auto variable = environment.find("PORT");
  if (variable == environment.end()) return false;
  auto port = port_of("*:" + variable->second);
  if (!port) return false;
  if (!claim_addresses(app, {fmt::format("*:{}", *port)})) return false;
  environment.erase(variable);
  app.set_text("", "listen", fmt::format("*:{}", *port));
  app.example("", "health", R"("/health")");
  app.remark(
      fmt::format("PORT={}", *port),
      fmt::format("taken as the port at which it serves HTTP: {}, which it finds in PORT; if it serves "
                  "something else, set proxy = \"tcp\" or endpoint = \"none\"",
                  kTakesOver));
  return true;
}

bool Draft::claim_addresses(App& app, const std::vector<std::string>& addresses) {
  std::set<unsigned> ports;
  std::set<std::string> sockets;
  for (const std::string& address : addresses) {
    auto port = port_of(address);
    bool fresh = port ? !ports_.contains(*port) && ports.insert(*port).second
                      : !sockets_.contains(address) && sockets.insert(address).second;
    if (fresh) continue;
    app.remark("",
               fmt::format("would listen on {}, which an app above has: endpoint = \"none\" until you choose "
                           "another address to listen on",
                           address));
    return false;
  }
  ports_.merge(ports);
  sockets_.merge(sockets);
  return true;
}

}  // namespace gracevisor::migrate
