#include "gvctl/daemon_socket.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "base/file.h"
#include "config/load.h"
#include "control/socket_file.h"

namespace gracevisor::gvctl {
namespace {

constexpr std::size_t kMostTable = 16U << 20;
constexpr std::size_t kMostFound = 5;

}  // namespace

base::Expected<std::string> find_socket(const CommandLine& line, std::string_view xdg_runtime_dir) {
  if (!line.socket.empty()) return line.socket;
  if (line.config.empty()) return control::default_socket_path(::geteuid(), xdg_runtime_dir);
  auto folder = config::load_runtime_dir(line.config);
  if (!folder) return base::fail(folder.error().line());
  return control::socket_file(*folder).string();
}

std::vector<std::string> listening_daemons(const std::string& table) {
  std::vector<std::string> found;
  auto text = base::read_file(table, kMostTable);
  if (!text) return found;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line) && found.size() < kMostFound;) {
    // Num RefCount Protocol Flags Type St Inode Path: flag 00010000 is a listening socket's.
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode, path;
    words >> number >> references >> protocol >> flags >> type >> state >> inode;
    std::getline(words >> std::ws, path);
    if (flags != "00010000" || std::filesystem::path(path).filename() != control::kBoundAs) continue;
    std::string socket = control::socket_file(std::filesystem::path(path).parent_path()).string();
    if (std::ranges::find(found, socket) == found.end()) found.push_back(std::move(socket));
  }
  return found;
}

}  // namespace gracevisor::gvctl
