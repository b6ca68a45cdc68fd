#include "spec/surroundings.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "spec/program.h"

namespace gracevisor::spec {

using base::Expected;

Expected<std::filesystem::path> resolve_directory(const config::App& app) {
  std::error_code failed;
  auto given = app.directory.empty() ? std::filesystem::current_path(failed) : app.directory;
  if (failed) return base::fail_errno("the daemon's working directory", failed.value());
  auto resolved = std::filesystem::canonical(given, failed);
  if (failed) return base::fail_errno(given.string(), failed.value());
  if (!std::filesystem::is_directory(resolved, failed)) return base::fail_errno(given.string(), ENOTDIR);
  return resolved;
}

// A service has no terminal, hence no TERM.
std::map<std::string, std::string> inherited_environment() {
  constexpr std::array<std::string_view, 3> kNames = {"PATH", "LANG", "TZ"};
  std::map<std::string, std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view key = text.substr(0, equals);
    bool wanted = key.starts_with("LC_") || std::find(kNames.begin(), kNames.end(), key) != kNames.end();
    if (wanted) result.emplace(key, text.substr(equals + 1));
  }
  if (std::string& path = result["PATH"]; path.empty()) path = kDefaultPath;
  return result;
}

}  // namespace gracevisor::spec
