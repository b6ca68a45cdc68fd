#include "config/route_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "config/findings.h"
#include "config/values.h"

namespace gracevisor::config {
namespace {

using Cells = std::array<std::string, 4>;  // listener, address, route, app

struct Routed {
  const Route* route;
  const App* app;
  std::size_t host_rank;  // routes of one host have that of the first
  std::size_t rank;       // in the order of the files
};

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Paths may hold any byte: quoted if one is not to be seen on a terminal.
std::string shown(const std::string& text) {
  const bool plain = std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
  return plain ? text : quote(text);
}

bool is_everything(const Route& route) {
  return route.host.empty() && route.path == "/";
}

std::string route_cell(const Route& route) {
  return is_everything(route) ? "*" : shown(route_text(route));
}

// 0: an exact host, 1: a wildcard, 2: every host.
int host_class(const Route& route) {
  if (route.host.empty()) return 2;
  return route.host.starts_with('*') ? 1 : 0;
}

bool comes_before(const Routed& a, const Routed& b) {
  const Route& one = *a.route;
  const Route& other = *b.route;
  if (host_class(one) != host_class(other)) return host_class(one) < host_class(other);
  if (host_class(one) == 1 && one.host.size() != other.host.size())
    return one.host.size() > other.host.size();
  if (a.host_rank != b.host_rank) return a.host_rank < b.host_rank;
  if (one.path.size() != other.path.size()) return one.path.size() > other.path.size();
  return a.rank < b.rank;
}

bool listens_at(const App& app, const Listener& listener) {
  return std::ranges::find(app.listen, listener.name) != app.listen.end();
}

std::vector<Routed> routes_of(const Listener& listener, const Config& config) {
  std::vector<Routed> out;
  for (const App& app : config.apps) {
    if (app.protocol == Protocol::tcp || !listens_at(app, listener)) continue;
    for (const Route& route : app.routes) {
      const auto same =
          std::ranges::find_if(out, [&](const Routed& other) { return other.route->host == route.host; });
      out.push_back({&route, &app, same == out.end() ? out.size() : same->host_rank, out.size()});
    }
  }
  std::ranges::sort(out, comes_before);
  return out;
}

// The right half of the listener's rows: route and app.
std::vector<std::pair<std::string, std::string>> targets_of(const Listener& listener, const Config& config) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const App& app : config.apps) {
    if (app.protocol == Protocol::tcp && listens_at(app, listener)) out.emplace_back("(tcp)", app.name);
  }
  const std::vector<Routed> routes = routes_of(listener, config);
  for (const Routed& routed : routes) out.emplace_back(route_cell(*routed.route), routed.app->name);
  const bool everything =
      std::ranges::any_of(routes, [](const Routed& routed) { return is_everything(*routed.route); });
  if (listener.default_app && !everything) out.emplace_back("(any other)", *listener.default_app);
  if (out.empty()) out.emplace_back("(no app)", "");
  return out;
}

void add_rows(const Listener& listener, const Config& config, std::vector<Cells>& rows) {
  const auto targets = targets_of(listener, config);
  const bool own = listener.name.find(':') != std::string::npos;
  const std::size_t height = std::max(targets.size(), listener.addresses.size());
  for (std::size_t i = 0; i < height; ++i) {
    Cells& row = rows.emplace_back();
    if (i == 0) row[0] = own ? "-" : listener.name;
    if (i < listener.addresses.size()) row[1] = shown(listener.addresses[i].text());
    if (i < targets.size()) std::tie(row[2], row[3]) = targets[i];
  }
}

std::string line_of(const Cells& cells, const std::array<std::size_t, 4>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    line.append(widths[i] - width_of(cells[i]) + 2, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

template <class Chosen>
void add_names(const Config& config, std::string_view what, const Chosen& chosen,
               std::vector<std::string>& out) {
  std::vector<std::string_view> names;
  for (const App& app : config.apps) {
    if (chosen(app)) names.emplace_back(app.name);
  }
  if (!names.empty()) out.push_back(fmt::format("{}: {}", what, fmt::join(names, ", ")));
}

std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::vector<std::string> route_map(const Config& config) {
  std::vector<Cells> rows;
  for (const Listener& listener : config.listeners) add_rows(listener, config, rows);
  std::array<std::size_t, 4> widths{};
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::vector<std::string> out;
  out.reserve(rows.size() + 2);
  for (const Cells& row : rows) out.push_back(line_of(row, widths));
  add_names(
      config, "workers without a listener", [](const App& app) { return !is_routed(app.endpoint); }, out);
  add_names(
      config, "reachable nowhere",
      [&](const App& app) {
        return is_routed(app.endpoint) && app.listen.empty() &&
               std::ranges::none_of(config.listeners,
                                    [&](const Listener& one) { return one.default_app == app.name; });
      },
      out);
  return out;
}

std::string counts_text(const Config& config) {
  return count_of(config.apps.size(), "app") + ", " + count_of(config.listeners.size(), "listener");
}

}  // namespace gracevisor::config
