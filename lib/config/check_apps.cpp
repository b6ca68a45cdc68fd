// Checks the keys of one app against each other.
#include <fmt/format.h>

#include <algorithm>

#include "base/listed.h"
#include "config/draft.h"
#include "config/substitute.h"
#include "config/values.h"

namespace gracevisor::config {
namespace {

std::string_view text_of(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::port: return "port";
    case EndpointKind::socket: return "socket";
    case EndpointKind::fd: return "fd";
    case EndpointKind::none: return "none";
  }
  return "?";
}

class AppCheck {
 public:
  AppCheck(AppDraft& draft, Findings& findings) : draft_(draft), app_(draft.app), findings_(findings) {}

  void run() {
    if (find(*draft_.table, "command") == nullptr) {
      error(app_.source, "", "an app needs a command");
    }
    if (given("route") && given("routes")) {
      error(source_of(draft_, "routes"), ".routes", "route is its short form: give one of the two");
    }
    if (app_.restart.backoff > app_.restart.backoff_max) {
      error(source_of(draft_, "restart", "backoff"), ".restart.backoff", "is longer than backoff_max");
    }
    if (app_.restart.retry_fatal > Millis(0) && app_.restart.max_failures == 0) {
      error(source_of(draft_, "restart", "retry_fatal"), ".restart.retry_fatal",
            "needs max_failures: without it nothing is given up");
    }
    check_deploy_timeout();
    if (!is_routed(app_.endpoint)) {
      check_unrouted();
    } else if (app_.routes.empty()) {
      app_.routes.push_back({"", "/", app_.source});
    }
    if (app_.protocol == Protocol::tcp) check_tcp();
    if (app_.endpoint != EndpointKind::port) check_no_value("port");
    if (!is_unix(app_.endpoint)) check_no_value("socket");
    check_activated();
    check_repeated_routes();
  }

 private:
  [[nodiscard]] bool given(std::string_view key) const { return find(*draft_.table, key) != nullptr; }

  void error(const Source& source, std::string_view below, std::string_view text) {
    findings_.error(source, fmt::format("{}{}: {}", draft_.path, below, text));
  }

  // Within its time a deploy has to get healthy at all.
  void check_deploy_timeout() {
    const Millis timeout = app_.deploy.timeout;
    const Health& health = app_.health;
    const auto given_in = [&](std::string_view table, std::string_view key) {
      const Entry* entry = find(*draft_.table, table);
      const Table* inner = entry == nullptr ? nullptr : std::get_if<Table>(&entry->value.data);
      return inner != nullptr && find(*inner, key) != nullptr;
    };
    const auto complain = [&](std::string_view table, std::string_view key, const std::string& needs) {
      const bool here = given_in("deploy", "timeout") || !given_in(table, key);
      error(here ? source_of(draft_, "deploy", "timeout") : source_of(draft_, table, key), ".deploy.timeout",
            fmt::format("is {}, and no instance can be healthy before {}", duration_text(timeout), needs));
    };
    if (!is_routed(app_.endpoint)) {
      if (timeout > app_.deploy.settle) return;
      complain("deploy", "settle", fmt::format("deploy.settle, {}", duration_text(app_.deploy.settle)));
      return;
    }
    const Millis needed = health.interval * (health.healthy_after - 1);
    if (health.healthy_after < 2 || timeout > needed) return;
    complain("health", given_in("health", "healthy_after") ? "healthy_after" : "interval",
             fmt::format("health.healthy_after, {} passed probes {} apart", health.healthy_after,
                         duration_text(health.interval)));
  }

  void check_unrouted() {
    for (std::string_view key : {"listen", "route", "routes", "health"}) {
      if (!given(key)) continue;
      error(find(*draft_.table, key)->source, "." + std::string(key),
            R"(has no meaning with endpoint = "none": such an app is not routed)");
    }
  }

  // The listening socket is the daemon's: connecting to it succeeds whatever the app does.
  void check_activated() {
    if (app_.endpoint != EndpointKind::fd || app_.health.kind != Health::Kind::tcp) return;
    error(source_of(draft_, "health", "type"), ".health",
          R"("tcp" proves nothing with endpoint = "fd", as a connection waits in the daemon's socket even )"
          R"(while the app boots: give a path such as "/health")");
  }

  // The command and the variables may not use a placeholder for which the endpoint has no value.
  void check_no_value(std::string_view placeholder) {
    for (const std::string& word : app_.command) {
      check_no_value(placeholder, word, "command", source_of(draft_, "command"));
    }
    for (const auto& [name, value] : app_.environment) {
      check_no_value(placeholder, value, "environment." + name, source_of(draft_, "environment", name));
    }
  }

  // The protocol there is unknown: HTTP options cannot apply.
  void check_tcp() {
    for (std::string_view key : {"route", "routes"}) {
      if (!given(key)) continue;
      error(find(*draft_.table, key)->source, "." + std::string(key),
            R"(has no meaning with proxy = "tcp": the listener is the app's own)");
    }
    if (!asks_by_http()) app_.health.kind = Health::Kind::tcp;
  }

  // Does `health` say what to ask over HTTP, and not only how often?
  [[nodiscard]] bool asks_by_http() const {
    const Entry* health = find(*draft_.table, "health");
    if (health == nullptr || app_.health.kind == Health::Kind::tcp) return false;
    const auto* table = std::get_if<Table>(&health->value.data);
    constexpr std::string_view kWhat[] = {"type", "path", "expect", "host", "proto", "headers"};
    return table == nullptr || std::any_of(std::begin(kWhat), std::end(kWhat),
                                           [&](auto key) { return find(*table, key) != nullptr; });
  }

  void check_no_value(std::string_view placeholder, std::string_view text, const std::string& below,
                      const Source& source) {
    Values values;
    for (std::string_view name : kPlaceholders) values.emplace(name, "");
    bool valid = substitute(text, values).has_value();
    values.erase(values.find(placeholder));
    if (!valid || substitute(text, values)) return;
    std::string_view hint;
    if (is_unix(app_.endpoint)) hint = R"(: write "{socket}")";
    if (app_.endpoint == EndpointKind::port) hint = R"(: write "{port}", or endpoint = "socket")";
    error(source, "." + below,
          fmt::format(R"("{{{}}}" has no value with endpoint = "{}"{})", placeholder, text_of(app_.endpoint),
                      hint));
  }

  void check_repeated_routes() {
    for (std::size_t i = 1; i < app_.routes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!(app_.routes[i] == app_.routes[j])) continue;
        error(app_.routes[i].source, given("routes") ? ".routes" : ".route", "the same route twice");
        break;
      }
    }
  }

  AppDraft& draft_;
  App& app_;
  Findings& findings_;
};

// One line, however many there are.
void warn_of_root(const Draft& draft, Findings& findings) {
  std::vector<std::string_view> names;
  const AppDraft* first = nullptr;
  for (const AppDraft& app : draft.apps) {
    if (find(*app.table, "user") != nullptr) continue;
    if (names.empty()) first = &app;
    names.push_back(app.app.name);
  }
  if (first == nullptr) return;
  findings.warning(first->app.source,
                   fmt::format("{} {} as root ({}): set user", names.size(),
                               names.size() == 1 ? "app runs" : "apps run", base::listed(names)));
}

}  // namespace

void check_apps(Draft& draft, const DaemonUser& user, Findings& findings) {
  for (AppDraft& app : draft.apps) AppCheck(app, findings).run();
  if (user.root()) warn_of_root(draft, findings);
}

}  // namespace gracevisor::config
