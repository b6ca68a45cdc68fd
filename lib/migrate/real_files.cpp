#include "migrate/real_files.h"

#include <fmt/format.h>
#include <glob.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/file.h"

namespace gracevisor::migrate {
namespace {

int stop_unless_missing(const char* /*path*/, int code) {
  return code == ENOENT || code == ENOTDIR ? 0 : 1;
}

std::optional<std::string> home_of(std::string_view user) {
  const passwd* entry = ::getpwnam(std::string(user).c_str());  // one thread: NOLINT(concurrency-mt-unsafe)
  return entry == nullptr ? std::nullopt : std::optional<std::string>(entry->pw_dir);
}

}  // namespace

base::Expected<std::string> RealFiles::read(const std::filesystem::path& path) {
  if (++files_ > kMostFiles)
    return base::fail(fmt::format("{}: more than {} files", path.string(), kMostFiles));
  auto text = base::read_file(path, kMostBytes);
  if (!text) return text;
  bytes_ += text->size();
  if (bytes_ > kMostInAll)
    return base::fail(fmt::format("{}: more than {} bytes in all", path.string(), kMostInAll));
  return text;
}

base::Expected<std::vector<std::filesystem::path>> RealFiles::match(const std::string& pattern) {
  // glob(7) visits every folder that the parts with wildcards match.
  std::size_t wild = 0;
  for (const auto& part : std::filesystem::path(pattern))
    wild += part.string().find_first_of("*?[") != std::string::npos;
  if (wild > kMostWild)
    return base::fail(fmt::format("{}: a pattern in more than {} folders", pattern, kMostWild));
  glob_t found{};
  const int result = ::glob(pattern.c_str(), 0, stop_unless_missing, &found);
  std::vector<std::filesystem::path> out;
  for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  if (result != 0 && result != GLOB_NOMATCH)
    return base::fail("cannot search " + pattern + ": a folder cannot be read");
  if (out.size() > kMostFiles) return base::fail(fmt::format("{}: more than {} files", pattern, kMostFiles));
  return out;
}

Host this_host() {
  Host host;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    auto sign = text.find('=');
    if (sign != std::string_view::npos) host.environment.emplace(text.substr(0, sign), text.substr(sign + 1));
  }
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) == 0) host.name = name;
  host.cpus = std::max(1U, std::thread::hardware_concurrency());
  host.home_of = home_of;
  return host;
}

}  // namespace gracevisor::migrate
