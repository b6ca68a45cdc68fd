#include "config/socket_path.h"

#include <fmt/format.h>

namespace gracevisor::config {
namespace {

// More than any app will reach: a deploy per minute for two years, restarts at every back-off for one.
constexpr base::GenerationId kFarGeneration{999'999};
constexpr base::Incarnation kFarIncarnation{999'999};

}  // namespace

std::filesystem::path sockets_folder(const std::filesystem::path& runtime_dir) {
  return runtime_dir / "apps";
}

std::filesystem::path socket_folder(const std::filesystem::path& runtime_dir, const std::string& app,
                                    base::GenerationId generation) {
  return sockets_folder(runtime_dir) / app / std::to_string(generation.value());
}

std::string socket_name(base::Slot slot, base::Incarnation incarnation) {
  return fmt::format("{}-{}.sock", slot.value(), incarnation.value());
}

std::string listener_name(base::Slot slot) {
  return fmt::format("{}.sock", slot.value());
}

std::filesystem::path longest_socket_path(const std::filesystem::path& runtime_dir, const App& app) {
  base::Slot last(app.instances);
  return socket_folder(runtime_dir, app.name, kFarGeneration) /
         (app.endpoint == EndpointKind::fd ? listener_name(last) : socket_name(last, kFarIncarnation));
}

}  // namespace gracevisor::config
