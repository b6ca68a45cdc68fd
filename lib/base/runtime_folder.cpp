#include "base/runtime_folder.h"

#include <string>

namespace gracevisor::base {

std::filesystem::path default_runtime_folder(uid_t uid, std::string_view xdg_runtime_dir) {
  if (uid == 0) return "/run/gracevisor";
  if (xdg_runtime_dir.starts_with('/')) return std::filesystem::path(xdg_runtime_dir) / "gracevisor";
  return "/tmp/gracevisor-" + std::to_string(uid);
}

}  // namespace gracevisor::base
