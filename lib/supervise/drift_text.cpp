// One line for everything that differs, and the command that helps.
#include <fmt/format.h>

#include <algorithm>

#include "base/age.h"
#include "base/listed.h"
#include "supervise/drift.h"

namespace gracevisor::supervise {
namespace {

using Item = Drift::Item;
using Items = std::vector<const Item*>;

constexpr std::size_t kMostItems = 5;

Items of_kind(const Items& items, Item::Kind kind) {
  Items found;
  std::ranges::copy_if(items, std::back_inserter(found),
                       [kind](const Item* one) { return one->kind == kind; });
  return found;
}

// "api is new", "api, web and 58 more are new"
void add_names(std::vector<std::string>& parts, const Items& items, std::string_view what) {
  if (items.empty()) return;
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const Item* one : items) names.push_back(one->name);
  parts.push_back(
      fmt::format("{} {} {}", base::listed(names, kMostItems), names.size() == 1 ? "is" : "are", what));
}

std::string item_text(const Item& item) {
  if (item.kind == Item::Kind::listener) return fmt::format("{} {}", item.name, item.what);
  return fmt::format("{} differs ({})", item.name, base::listed(item.keys));
}

void add_each(std::vector<std::string>& parts, const Items& items) {
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const Item* one : items) texts.push_back(item_text(*one));
  if (!texts.empty()) parts.push_back(base::listed(texts, kMostItems));
}

// Of the files that say so, the one that changed last.
std::string file_text(const Items& items, std::chrono::sys_seconds now) {
  const Item& last = **std::ranges::max_element(items, {}, [](const Item* one) { return one->changed; });
  if (!last.changed) return last.file + " is no longer there";
  const auto ago = std::max(now - *last.changed, std::chrono::seconds(0));
  return fmt::format("{} changed {} ago", last.file, base::age(static_cast<std::uint64_t>(ago.count())));
}

std::vector<std::string> keys_of(const Items& items) {
  std::vector<std::string> keys;
  for (const Item* one : items) {
    const std::string table = one->kind == Item::Kind::daemon     ? "daemon"
                              : one->kind == Item::Kind::listener ? "listener." + one->name
                                                                  : "app." + one->name;
    if (one->keys.empty()) keys.push_back(table);
    for (const std::string& key : one->keys) keys.push_back(fmt::format("{}.{}", table, key));
  }
  return keys;
}

}  // namespace

const Drift::Item* Drift::changed(const std::string& app) const {
  const auto found = std::ranges::find_if(
      items, [&](const Item& one) { return one.kind == Item::Kind::changed && one.name == app; });
  return found == items.end() ? nullptr : &*found;
}

DriftLine line_of(const Drift& drift, std::chrono::sys_seconds now, const std::set<std::string>& except) {
  if (!drift.fault.empty()) return {.text = drift.fault, .keys = {}};
  Items items;
  for (const Item& one : drift.items) {
    const bool app = one.kind != Item::Kind::listener && one.kind != Item::Kind::daemon;
    if (!app || !except.contains(one.name)) items.push_back(&one);
  }
  if (items.empty()) return {};
  std::vector<std::string> parts;
  add_each(parts, of_kind(items, Item::Kind::changed));
  add_names(parts, of_kind(items, Item::Kind::fresh), "new");
  add_names(parts, of_kind(items, Item::Kind::gone), "gone");
  add_each(parts, of_kind(items, Item::Kind::listener));
  add_each(parts, of_kind(items, Item::Kind::daemon));
  const bool one_app = items.size() == 1 && items.front()->kind == Item::Kind::changed;
  return {.text = fmt::format("{}: {}: gvctl {}", file_text(items, now), fmt::join(parts, ", "),
                              one_app ? "deploy " + items.front()->name : "reload --dry-run"),
          .keys = keys_of(items)};
}

}  // namespace gracevisor::supervise
