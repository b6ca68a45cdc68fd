#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <system_error>

#include "base/listed.h"
#include "config/adjust.h"
#include "config/difference.h"
#include "config/keys.h"
#include "spec/credentials.h"
#include "spec/listener_definitions.h"
#include "spec/spec.h"

namespace gracevisor::spec {
namespace {

using config::Takes;

bool same_user(const Spec& a, const Spec& b) {
  if (a.credentials.has_value() != b.credentials.has_value()) return false;
  if (!a.credentials) return true;
  return a.credentials->uid == b.credentials->uid && a.credentials->gid == b.credentials->gid &&
         a.credentials->groups == b.credentials->groups;
}

// Are the groups alone another, because a list of them is?
bool only_regrouped(const Spec& a, const Spec& b) {
  if (a.app.supplementary_groups == b.app.supplementary_groups) return false;
  const Credentials one = a.credentials.value_or(own_credentials());
  const Credentials other = b.credentials.value_or(own_credentials());
  return one.uid == other.uid && one.gid == other.gid;
}

// Is this variable what its user makes it: HOME, USER, LOGNAME and SHELL, unless the configuration says
// otherwise?
bool follows_from_user(const Spec& spec, const std::string& key) {
  const auto found = spec.environment.find(key);
  const Credentials who = spec.credentials.value_or(own_credentials());
  const std::pair<std::string_view, const std::string*> own[] = {
      {"HOME", &who.home}, {"USER", &who.name}, {"LOGNAME", &who.name}, {"SHELL", &who.shell}};
  const auto* named = std::ranges::find(own, key, [](const auto& one) { return one.first; });
  return named != std::end(own) && (found == spec.environment.end() || found->second == *named->second);
}

// The frozen environments also hold the files' variables, and show what a program would see. What came from
// the daemon's own environment is no difference: no author of a configuration chose it.
std::vector<config::Difference> changed_environment(const Spec& a, const Spec& b) {
  std::vector<std::pair<std::string, std::string>> changed;
  std::ranges::set_symmetric_difference(a.environment, b.environment, std::back_inserter(changed));
  std::set<std::string> keys;
  auto chosen = [](const Spec& spec, const std::string& key) {
    return spec.environment.contains(key) && std::ranges::find(spec.inherited, key) == spec.inherited.end();
  };
  for (auto& [key, value] : changed) {
    if (chosen(a, key) || chosen(b, key)) keys.insert(std::move(key));
  }
  if (!same_user(a, b)) {
    std::erase_if(
        keys, [&](const std::string& key) { return follows_from_user(a, key) && follows_from_user(b, key); });
  }
  const auto masked = [](const Spec& spec, const std::string& key) {
    return spec.environment.contains(key) ? "***" : "";
  };
  std::vector<config::Difference> result;
  result.reserve(keys.size());
  for (const std::string& key : keys) {
    result.push_back({"environment." + key, Takes::deploy, masked(a, key), masked(b, key)});
  }
  return result;
}

// /bin/sleep is /usr/bin/sleep where /bin is a link.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code failed;
  return a == b || std::filesystem::equivalent(a, b, failed);
}

std::string user_of(const Spec& spec) {
  return spec.credentials ? spec.credentials->name : own_credentials().name;
}

}  // namespace

std::vector<config::Difference> differences(const Spec& from, const Spec& to) {
  std::vector<config::Difference> written = config::find_differences(from.app, to.app);
  std::vector<config::Difference> result;
  const auto deploy = [&result](std::string key, std::string before, std::string after) {
    result.push_back({std::move(key), Takes::deploy, std::move(before), std::move(after)});
  };
  // The same words may find a different file: a changed PATH, a new version beside the old one.
  const bool same_command = written.empty() || written.front().name != "command";
  if (!same_command) result.push_back(written.front());
  if (same_command && !same_file(from.program, to.program) && from.directory == to.directory) {
    deploy("program", from.program, to.program);
  }
  if (from.directory != to.directory) deploy("directory", from.directory.string(), to.directory.string());
  for (config::Difference& variable : changed_environment(from, to)) result.push_back(std::move(variable));
  if (!same_user(from, to) && !only_regrouped(from, to)) deploy("user", user_of(from), user_of(to));
  std::move(written.begin() + (same_command ? 0 : 1), written.end(), std::back_inserter(result));
  // A listener that was added or removed shows in "listen", unless the app is only its default.
  for (const auto& [one, other] : {std::pair(&from, &to), std::pair(&to, &from)}) {
    for (const config::Listener& listener : one->listeners) {
      const bool shows = std::ranges::find(one->app.listen, listener.name) != one->app.listen.end();
      if (shows || find_listener(other->listeners, listener.name) != nullptr) continue;
      result.push_back({"listen." + listener.name + ".default", Takes::table, {}, {}});
    }
  }
  for (const config::Listener& listener : to.listeners) {
    const config::Listener* before = find_listener(from.listeners, listener.name);
    if (before == nullptr) continue;
    for (config::Difference& difference : config::find_differences(*before, listener)) {
      difference.name = "listen." + listener.name + "." + difference.name;
      result.push_back(std::move(difference));
    }
  }
  return result;
}

std::vector<config::Difference> differences(const config::Listener& from, const config::Listener& to) {
  return config::find_differences(from, to);
}

void keep_scale(const Spec& in_force, config::App& configured) {
  if (in_force.app.scaled_from != configured.instances) return;
  configured.scaled_from = configured.instances;
  configured.instances = in_force.app.instances;
}

SpecRef adjusted(const Spec& spec, const Spec& next) {
  auto result = std::make_shared<Spec>(spec);
  config::adjust(result->app, next.app, [](Takes takes) { return takes != Takes::deploy; });
  result->app.scaled_from = next.app.scaled_from;
  result->listeners = next.listeners;
  return result;
}

bool replace_listeners(std::vector<config::Listener>& listeners,
                       const std::vector<config::Listener>& changed) {
  bool any = false;
  for (config::Listener& listener : listeners) {
    const config::Listener* other = find_listener(changed, listener.name);
    if (other == nullptr) continue;
    listener = *other;
    any = true;
  }
  return any;
}

SpecRef with_listeners(const SpecRef& spec, const std::vector<config::Listener>& changed) {
  auto result = std::make_shared<Spec>(*spec);
  return replace_listeners(result->listeners, changed) ? result : spec;
}

namespace {

// A long value from shortly before byte `from` on.
std::string part_of(const std::string& value, std::size_t from) {
  constexpr std::size_t kMost = 60;
  constexpr std::size_t kBefore = 20;
  if (value.size() <= kMost) return value;
  const std::size_t begin = std::min(from - std::min(from, kBefore), value.size() - kMost);
  const std::string_view part = std::string_view(value).substr(begin, kMost);
  return fmt::format("{}{}{}", begin > 0 ? "..." : "", part, begin + kMost < value.size() ? "..." : "");
}

}  // namespace

std::string changes_of(const std::vector<config::Difference>& differences) {
  std::vector<std::string> changes;
  for (const auto& [name, takes, from, to] : differences) {
    std::string& text = changes.emplace_back(name);
    const bool variable = name.starts_with("environment.");
    if (variable && (from.empty() || to.empty())) {
      text += from.empty() ? " new" : " gone";
    } else if (!from.empty() && from == to) {
      text += " changed";
    } else if (!from.empty() || !to.empty()) {
      const std::size_t same = static_cast<std::size_t>(std::ranges::mismatch(from, to).in1 - from.begin());
      const auto shown = [same](const std::string& value) {
        return value.empty() ? "(not set)" : part_of(value, same);
      };
      text += fmt::format(" {} -> {}", shown(from), shown(to));
    }
  }
  return base::listed(changes);
}

std::vector<std::string> key_names(const std::vector<config::Difference>& differences) {
  std::vector<std::string> names;
  names.reserve(differences.size());
  for (const config::Difference& difference : differences) names.push_back(difference.name);
  return names;
}

std::string names_of(const std::vector<config::Difference>& differences) {
  return base::listed(key_names(differences));
}

}  // namespace gracevisor::spec
