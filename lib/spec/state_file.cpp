#include "spec/state_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "spec/state_version.h"

namespace gracevisor::spec {
namespace {

constexpr std::size_t kMaxStateFile = 32U << 20;  // environments may be large, but not this large
constexpr std::string_view kSuffix = ".json";

// An app's name as part of a path: any character that could be more than part of a name is written as %XX.
std::string sanitised(const std::string& app) {
  auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  std::string name;
  for (char c : app) {
    // A dot is harmless except in front: "." and ".." are folders, and hidden files are not looked at.
    if (harmless(c) || (c == '.' && !name.empty())) {
      name.push_back(c);
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

// What a file holds: `state`, unless there is a `problem` alone; of a newer version, both.
struct ReadState {
  std::optional<AppState> state = {};
  base::Error problem = {};
  std::uint64_t newer = 0;  // its version, if this daemon does not know it
};

ReadState read_state(const std::filesystem::path& state_dir, const std::filesystem::path& file) {
  ReadState read;
  auto text = base::read_own_file(file, kMaxStateFile);  // what it says is run as this user
  if (!text) {
    read.problem = text.error();
    return read;
  }
  if (auto state = from_text(*text)) {
    read.state = std::move(*state);
  } else if (auto newer = newer_from_text(*text)) {
    read.newer = newer->version;
    read.problem = state.error();
    read.state = AppState{newer->app, newer->last_generation, {}, nullptr};
  } else {
    read.problem = state.error();
    return read;
  }
  if (state_path(state_dir, read.state->app).filename() != file.filename()) {
    if (read.newer == 0) read.problem = {"it is the state of the app " + read.state->app};
    read.state.reset();
  }
  return read;
}

// What happened to a bad file, for the operator.
std::string set_aside(const std::filesystem::path& file, const base::Error& why) {
  std::filesystem::path aside = file;
  aside += ".bad";
  std::error_code error;
  std::filesystem::rename(file, aside, error);
  if (error)
    return fmt::format("{}: {}; it cannot be set aside: {}", file.string(), why.what, error.message());
  return fmt::format("{}: {}; set aside as {}", file.string(), why.what, aside.filename().string());
}

// The newer daemon may come back for it. But this one writes to the same name as soon as the app is started.
std::string keep_copy(const std::filesystem::path& file, const ReadState& read) {
  std::filesystem::path copy = file;
  copy += fmt::format(".v{}", read.newer);
  std::error_code error;
  std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing, error);
  if (error)
    return fmt::format("{}: {}; it cannot be copied: {}", file.string(), read.problem.what, error.message());
  return fmt::format("{}: {}; left as it is, with a copy as {}", file.string(), read.problem.what,
                     copy.filename().string());
}

}  // namespace

base::Expected<void> can_keep_records(const std::filesystem::path& state_dir) {
  std::filesystem::path folder = state_dir / "apps";
  int code = ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
  // It was never created; the folder above it tells why.
  if (code == ENOENT && ::access(state_dir.c_str(), W_OK | X_OK) != 0) code = errno;
  if (code != EROFS) return {};
  return base::fail_errno("cannot write to " + folder.string(), code);
}

std::optional<AppState> load_state(const std::filesystem::path& state_dir, const std::string& app) {
  return read_state(state_dir, state_path(state_dir, app)).state;
}

LoadedStates load_states(const std::filesystem::path& state_dir) {
  LoadedStates loaded;
  std::filesystem::path folder = state_dir / "apps";
  std::error_code error;
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entries(folder, error);
  for (std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
    const std::filesystem::path& file = entries->path();
    if (file.extension() == kSuffix) files.push_back(file);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    loaded.problems.push_back(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    ReadState read = read_state(state_dir, file);
    if (read.newer > 0) {
      loaded.problems.push_back(keep_copy(file, read));
    } else if (!read.state) {
      loaded.problems.push_back(set_aside(file, read.problem));
    }
    if (read.state) loaded.states.emplace(read.state->app, std::move(*read.state));
  }
  return loaded;
}

std::filesystem::path state_path(const std::filesystem::path& state_dir, const std::string& app) {
  return state_dir / "apps" / (sanitised(app) + std::string(kSuffix));
}

}  // namespace gracevisor::spec
