#include "routing/route_table.h"

#include <algorithm>

namespace gracevisor::routing {
namespace {

std::string_view without_trailing_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// `/api` covers `/api` and `/api/x`, not `/apix`.
bool covers(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/' || prefix.empty());
}

}  // namespace

HostIndex::HostIndex(const std::vector<Entry>& entries, std::optional<base::AppId> fallback)
    : fallback_(fallback) {
  for (const Entry& entry : entries) {
    PathRules& rules = entry.host.empty()             ? any_
                       : entry.host.starts_with("*.") ? wildcard_[entry.host.substr(1)]
                                                      : exact_[entry.host];
    rules.push_back({std::string(without_trailing_slash(entry.path)), entry.app});
  }
  // If two apps have the same route, the first one keeps it until it leaves.
  auto longest_first = [](PathRules& rules) {
    std::sort(rules.begin(), rules.end(), [](const PathRule& a, const PathRule& b) {
      return a.path.size() != b.path.size() ? a.path.size() > b.path.size() : a.app < b.app;
    });
  };
  for (auto& [host, rules] : exact_) longest_first(rules);
  for (auto& [host, rules] : wildcard_) longest_first(rules);
  longest_first(any_);
}

std::optional<HostIndex::Match> HostIndex::match(const PathRules& rules, std::string_view path) {
  for (const PathRule& rule : rules) {
    if (covers(rule.path, path)) return Match{rule.app, rule.path.size()};
  }
  return std::nullopt;
}

std::optional<HostIndex::Match> HostIndex::find(std::string_view host, std::string_view path) const {
  if (auto it = exact_.find(host); it != exact_.end()) {
    if (auto found = match(it->second, path)) return found;
  }
  if (!wildcard_.empty()) {
    // Longest suffix first: a.b.example.com tries .b.example.com, then .example.com, then .com.
    for (auto dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      auto it = wildcard_.find(host.substr(dot));
      if (it == wildcard_.end()) continue;
      if (auto found = match(it->second, path)) return found;
    }
  }
  if (auto found = match(any_, path)) return found;
  if (fallback_) return Match{*fallback_};
  return std::nullopt;
}

std::uint64_t ListenerLedger::open() const noexcept {
  // `ended` is read first: a connection that ends meanwhile counts as open, and the result never drops below
  // zero.
  std::uint64_t ended = 0;
  for (const ListenerCell& cell : cells) ended += cell.ended.read();
  std::uint64_t accepted = 0;
  for (const ListenerCell& cell : cells) accepted += cell.accepted.read();
  return accepted - ended;
}

std::uint64_t ListenerLedger::own_answers() const noexcept {
  std::uint64_t sum = 0;
  for (const ListenerCell& cell : cells) sum += cell.own_answers.read();
  return sum;
}

const AppRoutes* RouteTable::find(base::AppId id) const noexcept {
  if (apps.empty() || id < apps.front().id) return nullptr;
  // Ids are assigned in order, so an app is usually at the index that its id implies, and gaps only move it
  // towards the front: one look instead of one per step of the search, each of which would be a cache miss.
  std::size_t last = std::min<std::size_t>(id.value() - apps.front().id.value(), apps.size() - 1);
  if (apps[last].id == id) return &apps[last];
  auto end = apps.begin() + static_cast<std::ptrdiff_t>(last);
  auto it = std::lower_bound(apps.begin(), end, id,
                             [](const AppRoutes& app, base::AppId wanted) { return app.id < wanted; });
  return it != end && it->id == id ? &*it : nullptr;
}

}  // namespace gracevisor::routing
