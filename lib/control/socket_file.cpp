#include "control/socket_file.h"

#include "base/runtime_folder.h"

namespace gracevisor::control {

std::filesystem::path socket_file(const std::filesystem::path& runtime_dir) {
  return runtime_dir / "gracevisor.sock";
}

std::string default_socket_path(uid_t uid, std::string_view xdg_runtime_dir) {
  return socket_file(base::default_runtime_folder(uid, xdg_runtime_dir)).string();
}

}  // namespace gracevisor::control
