#include <algorithm>
#include <iterator>
#include <set>

#include "config/difference.h"
#include "config/keys.h"
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

// The frozen environments also hold the files' variables, and show what a program would see. What came from
// the daemon's own environment is no difference: no author of a configuration chose it.
std::vector<std::string> changed_environment(const Spec& a, const Spec& b) {
  std::vector<std::pair<std::string, std::string>> changed;
  std::ranges::set_symmetric_difference(a.environment, b.environment, std::back_inserter(changed));
  std::set<std::string> keys;
  auto chosen = [](const Spec& spec, const std::string& key) {
    return spec.environment.contains(key) && std::ranges::find(spec.inherited, key) == spec.inherited.end();
  };
  for (auto& [key, value] : changed) {
    if (chosen(a, key) || chosen(b, key)) keys.insert(std::move(key));
  }
  std::vector<std::string> result;
  result.reserve(keys.size());
  for (const std::string& key : keys) result.push_back("environment." + key);
  return result;
}

}  // namespace

std::vector<config::Difference> differences(const Spec& from, const Spec& to) {
  std::vector<config::Difference> written = config::find_differences(from.app, to.app);
  std::vector<config::Difference> result;
  const auto deploy = [&result](std::string key) { result.push_back({std::move(key), Takes::deploy}); };
  // The same words may find a different file: a changed PATH, a new version beside the old one.
  const bool same_command = written.empty() || written.front().name != "command";
  if (!same_command) deploy("command");
  if (same_command && from.program != to.program && from.directory == to.directory) deploy("program");
  if (from.directory != to.directory) deploy("directory");
  for (std::string& key : changed_environment(from, to)) deploy(std::move(key));
  if (!same_user(from, to)) deploy("user");
  std::move(written.begin() + (same_command ? 0 : 1), written.end(), std::back_inserter(result));
  // A listener that was added or removed shows in "listen".
  for (const config::Listener& listener : to.listeners) {
    const config::Listener* before = find_listener(from.listeners, listener.name);
    if (before == nullptr) continue;
    for (config::Difference& difference : config::find_differences(*before, listener)) {
      result.push_back({"listen." + listener.name + "." + difference.name, difference.takes});
    }
  }
  return result;
}

std::vector<config::Difference> differences(const config::Listener& from, const config::Listener& to) {
  return config::find_differences(from, to);
}

std::string names_of(const std::vector<config::Difference>& differences) {
  std::string text;
  for (const config::Difference& difference : differences) {
    text += (text.empty() ? "" : ", ") + difference.name;
  }
  return text;
}

}  // namespace gracevisor::spec
