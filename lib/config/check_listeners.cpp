// Which listener an app means, and which addresses cannot be listened on together.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/nearest.h"
#include "config/draft.h"
#include "config/substitute.h"

namespace gracevisor::config {
namespace {

bool any_host(const base::Address& address) {
  auto host = address.host_text();
  return host == "0.0.0.0" || host == "::";
}

// Whether the kernel would refuse the second of the two: Linux does not allow a wildcard next to a specific
// address of its family once one of them listens, regardless of SO_REUSEADDR.
bool collide(const base::Address& a, const base::Address& b) {
  if (a.is_unix() || b.is_unix()) return a == b;
  if (a.port() != b.port() || a.port().value() == 0) return false;
  if (a.family() != b.family()) return a.dual_stack() || b.dual_stack();
  return any_host(a) || any_host(b) || a == b;
}

class ListenerCheck {
 public:
  ListenerCheck(Draft& draft, Findings& findings) : draft_(draft), findings_(findings) {}

  void run() {
    named_ = draft_.listeners.size();
    for (AppDraft& app : draft_.apps) {
      if (is_routed(app.app.endpoint)) resolve(app);
    }
    for (std::size_t i = 0; i < draft_.listeners.size(); ++i) check_addresses(i);
    for (const ListenerDraft& listener : draft_.listeners) check_default(listener);
    for (const AppDraft& app : draft_.apps) warn_unreachable(app);
    for (const ListenerDraft& listener : draft_.listeners) {
      warn_unused(listener);
      warn_in_range(listener);
    }
    for (const AppDraft& app : draft_.apps) {
      if (app.app.protocol == Protocol::tcp) check_alone(app);
    }
  }

 private:
  [[nodiscard]] ListenerDraft* find_listener(std::string_view name) {
    auto it = std::find_if(draft_.listeners.begin(), draft_.listeners.end(),
                           [&](const ListenerDraft& draft) { return draft.listener.name == name; });
    return it == draft_.listeners.end() ? nullptr : &*it;
  }

  // The position of the given text in the app's `listen`.
  static Source place_of(const AppDraft& app, std::string_view text) {
    const Entry* entry = find(*app.table, "listen");
    if (const auto* array = std::get_if<Array>(&entry->value.data)) {
      for (const Value& value : *array) {
        const auto* written = std::get_if<std::string>(&value.data);
        if (written != nullptr && *written == text) return value.source;
      }
    }
    return entry->value.source;
  }

  void resolve(AppDraft& app) {
    std::vector<std::string> names;
    for (const std::string& text : app.app.listen) {
      Source source = place_of(app, text);
      auto name =
          text.find(':') == std::string::npos ? look_up(app, text, source) : own_address(app, text, source);
      if (name.empty()) continue;
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        findings_.error(source, fmt::format("{}.listen: {} is given twice", app.path, quote_briefly(text)));
      } else {
        names.push_back(std::move(name));
      }
    }
    app.app.listen = std::move(names);
  }

  std::string look_up(const AppDraft& app, const std::string& text, const Source& source) {
    if (find_listener(text) != nullptr) return text;
    std::vector<std::string_view> known;
    known.reserve(named_);
    for (std::size_t i = 0; i < named_; ++i) known.emplace_back(draft_.listeners[i].listener.name);
    auto near = base::nearest(text, known);
    findings_.error(source, fmt::format("{}.listen: there is no listener {}{}", app.path, quote_briefly(text),
                                        near.empty() ? R"( (an address has a port: "127.0.0.1:8080"))"
                                                     : fmt::format(" (did you mean {}?)", quote(near))));
    return {};
  }

  // Apps that write the same address share the listener.
  std::string own_address(const AppDraft& app, const std::string& text, const Source& source) {
    auto address = base::Address::parse(text);
    bool relative = address && address->is_unix() && !text.starts_with("unix:/");
    if (!address || relative) {
      findings_.error(source, fmt::format("{}.listen: {}", app.path,
                                          relative ? "the path of a Unix socket must be absolute"
                                                   : address.error().what));
      return {};
    }
    std::string name = address->text();
    if (find_listener(name) == nullptr) {
      ListenerDraft draft{{}, app.path + ".listen", nullptr};
      draft.listener.name = name;
      draft.listener.addresses = {*address};
      draft.listener.source = source;
      draft_.listeners.push_back(std::move(draft));
    }
    return name;
  }

  static Source address_source(const ListenerDraft& draft) {
    const Entry* entry = draft.table == nullptr ? nullptr : find(*draft.table, "address");
    return entry == nullptr ? draft.listener.source : entry->value.source;
  }

  // Checks them against every earlier address.
  void check_addresses(std::size_t index) {
    const ListenerDraft& draft = draft_.listeners[index];
    const auto& addresses = draft.listener.addresses;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      for (std::size_t other = 0; other <= index; ++other) {
        const ListenerDraft& before = draft_.listeners[other];
        std::size_t end = other == index ? i : before.listener.addresses.size();
        for (std::size_t j = 0; j < end; ++j) {
          if (collide(addresses[i], before.listener.addresses[j])) {
            report(draft, addresses[i], before, before.listener.addresses[j]);
          }
        }
      }
    }
  }

  void report(const ListenerDraft& draft, const base::Address& address, const ListenerDraft& before,
              const base::Address& other) {
    std::string text = fmt::format(
        "{}: {} is already listened on by {} ({}) at {}", draft.path + (draft.table ? ".address" : ""),
        quote_briefly(address.text()), before.path, other.text(), place(address_source(before)));
    if (draft.table == nullptr && before.table != nullptr) {
      text += fmt::format(": write listen = {} to share it", quote(before.listener.name));
    }
    findings_.error(address_source(draft), text);
  }

  void check_default(const ListenerDraft& draft) {
    if (!draft.listener.default_app) return;
    const std::string& name = *draft.listener.default_app;
    auto app = std::find_if(draft_.apps.begin(), draft_.apps.end(),
                            [&](const AppDraft& candidate) { return candidate.app.name == name; });
    Source source = find(*draft.table, "default")->value.source;
    if (app == draft_.apps.end()) {
      std::vector<std::string_view> known;
      known.reserve(draft_.apps.size());
      for (const AppDraft& candidate : draft_.apps) known.emplace_back(candidate.app.name);
      auto near = base::nearest(name, known);
      findings_.error(source,
                      fmt::format("{}.default: there is no app {}{}", draft.path, quote_briefly(name),
                                  near.empty() ? "" : fmt::format(" (did you mean {}?)", quote(near))));
    } else if (!is_routed(app->app.endpoint)) {
      findings_.error(source, fmt::format(R"({}.default: {} has endpoint = "none")", draft.path, app->path));
    }
  }

  // Without hosts and paths, connections for two apps cannot be told apart.
  void check_alone(const AppDraft& app) {
    for (const AppDraft& other : draft_.apps) {
      if (&other == &app) continue;
      for (const std::string& name : app.app.listen) {
        const auto& theirs = other.app.listen;
        if (std::find(theirs.begin(), theirs.end(), name) == theirs.end()) continue;
        findings_.error(
            source_of(app, "listen"),
            fmt::format(R"({}.listen: {} is shared with {}, but proxy = "tcp" needs a listener of its own)",
                        app.path, key_text(name), other.path));
      }
    }
    for (const ListenerDraft& draft : draft_.listeners) {
      if (!draft.listener.default_app) continue;
      const auto& mine = app.app.listen;
      bool default_is_app = draft.listener.default_app == app.app.name;
      bool has_it = std::find(mine.begin(), mine.end(), draft.listener.name) != mine.end();
      if (!default_is_app && !has_it) continue;
      findings_.error(find(*draft.table, "default")->value.source,
                      fmt::format(R"({}.default: {} has {}proxy = "tcp")", draft.path, app.path,
                                  default_is_app ? "" : "the listener for itself, with "));
    }
  }

  void warn_unreachable(const AppDraft& app) {
    if (!is_routed(app.app.endpoint) || find(*app.table, "listen") != nullptr) return;
    bool is_default = std::any_of(draft_.listeners.begin(), draft_.listeners.end(), [&](const auto& draft) {
      return draft.listener.default_app == app.app.name;
    });
    if (is_default) return;
    findings_.warning(app.app.source,
                      app.path +
                          ": is reachable nowhere, as listen is not set (a worker process has endpoint = "
                          R"("none"))");
  }

  void warn_unused(const ListenerDraft& draft) {
    const std::string& name = draft.listener.name;
    const bool used =
        draft.listener.default_app || std::ranges::any_of(draft_.apps, [&](const AppDraft& app) {
          return std::ranges::find(app.app.listen, name) != app.app.listen.end();
        });
    if (!used)
      findings_.warning(draft.listener.source, draft.path + ": no app listens here: it stays closed");
  }

  // Instances listen on 127.0.0.1.
  void warn_in_range(const ListenerDraft& draft) {
    const PortRange& range = draft_.daemon.port_range;
    const bool needed = std::ranges::any_of(
        draft_.apps, [](const AppDraft& app) { return app.app.endpoint == EndpointKind::port; });
    for (const base::Address& address : draft.listener.addresses) {
      if (!needed || address.is_unix() || address.port() < range.first || range.last < address.port())
        continue;
      const std::string host = address.host_text();
      if (host != "0.0.0.0" && host != "127.0.0.1" && !address.dual_stack()) continue;
      findings_.warning(
          address_source(draft),
          fmt::format("{}: {} lies in daemon.port_range ({}-{}), where instances listen: take a port outside",
                      draft.path + (draft.table != nullptr ? ".address" : ""), address.text(),
                      range.first.value(), range.last.value()));
    }
  }

  Draft& draft_;
  Findings& findings_;
  std::size_t named_ = 0;  // the listeners before this index have a table of their own
};

}  // namespace

void check_listeners(Draft& draft, Findings& findings) {
  ListenerCheck(draft, findings).run();
}

}  // namespace gracevisor::config
