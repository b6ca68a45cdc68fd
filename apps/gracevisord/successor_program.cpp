#include "successor_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/accounts.h"
#include "base/error.h"
#include "base/safe_path.h"

namespace gracevisor::daemon {
namespace {

using decide::Refused;

// Not to be trusted; or no file that could be executed.
std::unexpected<Refused> refused(const base::PathFailure& failure) {
  const bool no_file = failure.error.code == EISDIR || failure.error.code == EINVAL;
  const bool untrusted = failure.refused && !no_file;
  return decide::refused(untrusted ? base::ExitCode::not_permitted : base::ExitCode::usage,
                         failure.error.what);
}

// Where this program was, whether or not it is still there.
std::expected<std::filesystem::path, Refused> own_path() {
  std::error_code code;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", code).string();
  if (code) return decide::refused(base::ExitCode::failed, "cannot read /proc/self/exe: " + code.message());
  constexpr std::string_view kGone = " (deleted)";
  if (path.ends_with(kGone)) path.resize(path.size() - kGone.size());
  return path;
}

std::expected<base::UniqueFd, Refused> open_judged(const std::filesystem::path& path) {
  base::PathRules rules;
  rules.trust.judged = true;
  rules.trust.users = {::geteuid()};
  rules.follow_last = true;
  const auto place = base::find_place(path, rules);
  if (!place) {
    return refused(place.error());
  }
  auto file = base::open_to_read(*place, rules);
  if (!file) {
    return refused(file.error());
  }
  return std::move(file->fd);
}

}  // namespace

bool SuccessorProgram::in_place() const {
  struct stat now{};
  return ::stat(path.c_str(), &now) == 0 && now.st_dev == device && now.st_ino == inode;
}

std::expected<SuccessorProgram, Refused> find_successor(const std::filesystem::path& to) {
  SuccessorProgram program;
  program.path = to;
  if (to.empty()) {
    auto own = own_path();
    if (!own) return std::unexpected(own.error());
    program.path = std::move(*own);
    program.file = base::UniqueFd(::open(program.path.c_str(), O_PATH | O_CLOEXEC));
    if (!program.file)
      return decide::refused(base::ExitCode::usage, program.path.string() + ": " + base::errno_text(errno));
  } else {
    auto file = open_judged(to);
    if (!file) return std::unexpected(file.error());
    program.file = std::move(*file);
  }
  struct stat facts{};
  if (::fstat(program.file.get(), &facts) != 0)
    return decide::refused(base::ExitCode::usage, program.path.string() + ": " + base::errno_text(errno));
  if (!S_ISREG(facts.st_mode))
    return decide::refused(base::ExitCode::usage, program.path.string() + " is no program");
  program.device = facts.st_dev;
  program.inode = facts.st_ino;
  return program;
}

}  // namespace gracevisor::daemon
