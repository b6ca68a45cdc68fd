#include "spec/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "spec/obstacle.h"

namespace gracevisor::spec {
namespace {

// 0, or why the file cannot be executed; EPERM if no user can, as it has no execute permission.
int why_not_executable(const std::filesystem::path& file) {
  struct stat st{};
  if (::stat(file.c_str(), &st) != 0) return errno;
  if (S_ISDIR(st.st_mode)) return EISDIR;
  if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) return EPERM;
  if (::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) != 0) return errno;
  return 0;
}

base::Error unfit(const std::filesystem::path& file, int why) {
  return {base::system_error(file.string(), why == EPERM ? EACCES : why).what, why};
}

std::filesystem::path below(const std::filesystem::path& directory, std::string_view name) {
  while (name.starts_with("./")) {
    name.remove_prefix(2);
    name.remove_prefix(std::min(name.find_first_not_of('/'), name.size()));
  }
  return directory / name;
}

base::Expected<std::string> search(const std::string& name, const std::filesystem::path& directory,
                                   std::string_view path) {
  base::Error spoiled;  // the first file of that name that cannot be executed: most likely the one meant
  for (std::string_view rest = path;;) {
    std::size_t end = std::min(rest.find(':'), rest.size());
    std::filesystem::path candidate = directory / rest.substr(0, end) / name;
    int why = why_not_executable(candidate);
    if (why == 0) return candidate.string();
    if (spoiled.code == 0 && why != ENOENT && why != ENOTDIR) spoiled = unfit(candidate, why);
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  return std::unexpected(base::Error{fmt::format("cannot find \"{}\" in PATH ({}){}{}", name, path,
                                                 spoiled.code == 0 ? "" : "; ", spoiled.what),
                                     spoiled.code == 0 ? ENOENT : spoiled.code});
}

}  // namespace

base::Expected<std::string> find_program(const std::string& name, const std::filesystem::path& directory,
                                         std::string_view path) {
  if (name.empty()) return base::fail("the program's name is empty");
  if (name.find('/') == std::string::npos) return search(name, directory, path);
  std::filesystem::path file = below(directory, name);
  const int why = why_not_executable(file);
  if (why == 0) return file.string();
  base::Error error = unfit(file, why);
  if (why == EACCES || why == EPERM) {
    std::string obstacle = why_not_executed(RealDisk(), own_rights(), file.string(), EACCES);
    if (!obstacle.empty()) error.what = std::move(obstacle);
  }
  return std::unexpected(std::move(error));
}

}  // namespace gracevisor::spec
