#include "spec/config_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "base/accounts.h"
#include "config/daemon_user.h"
#include "config/findings.h"
#include "config/route_map.h"
#include "spec/absences.h"

namespace gracevisor::spec {
namespace {

std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void add(std::vector<config::Diagnostic>& all, std::vector<config::Diagnostic> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

std::string summary_of(const std::filesystem::path& file, const ConfigCheck& check) {
  std::string name = file.string();
  if (!check.loaded) return fmt::format("{}: {}", name, count_of(check.errors.size(), "error"));
  const config::Config& config = check.loaded->config;
  if (config.files.size() > 1) name += fmt::format(" and {} more", count_of(config.files.size() - 1, "file"));
  const std::string warnings =
      check.warnings.empty() ? "" : ", " + count_of(check.warnings.size(), "warning");
  return fmt::format("{}: {}: ok{}", name, config::counts_text(config), warnings);
}

}  // namespace

ConfigCheck check_config(const std::filesystem::path& file, std::optional<uid_t> owner,
                         const FileReader* reader) {
  config::DaemonUser user = config::current_user();
  user.config_owner = owner;
  user.checks = reader == nullptr;
  ConfigCheck check;
  auto loaded = config::load(file, user);
  if (loaded) {
    const FileReader own(base::daemon_trust(loaded->config.owner), nullptr);
    check.warnings = loaded->warnings;
    add(check.warnings, loaded->absences);
    add(check.warnings, absences(*loaded, reader != nullptr ? *reader : own));
    config::sort_by_place(check.warnings);
    check.map = config::route_map(loaded->config);
    check.loaded = std::move(*loaded);
  } else {
    check.errors = std::move(loaded.error());
  }
  check.summary = summary_of(file, check);
  return check;
}

}  // namespace gracevisor::spec
