#include "supervise/file_access.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file.h"
#include "spawn/file_helper.h"

namespace gracevisor::supervise {
namespace {

using base::Expected;

Expected<void> check_log(const output::LogOpener& opener, const std::string& key, const std::string& path,
                         const spawn::Credentials* user) {
  if (path.empty() || path == "inherit" || path == "stdout") return {};
  auto checked = opener.check({.path = path, .user = user});
  if (checked) return {};
  return std::unexpected(base::Error{key + ": " + checked.error().error.what, checked.error().error.code});
}

// Root binds there, and removes what is stale.
Expected<void> check_socket(const base::PathTrust& trust, const std::string& path) {
  base::PathRules rules;
  rules.trust = trust;
  auto place = base::find_place(path, rules);
  // What is missing or closed is for bind() to tell.
  if (place || !place.error().refused) return {};
  return std::unexpected(place.error().error);
}

}  // namespace

Expected<std::string> FileAccess::read(const std::filesystem::path& path, std::uint32_t limit,
                                       const std::optional<spawn::Credentials>& user) const {
  if (!trust_.judged) return base::read_file(path, limit);
  base::PathRules rules;
  rules.trust = trust_;
  rules.follow_last = true;
  if (user && user->uid != 0 && user->uid != ::geteuid()) rules.app = base::AppUser{user->uid, user->gid};
  auto place = base::find_place(path, rules);
  if (!place) return std::unexpected(std::move(place.error().error));
  bool as_user = place->app_writes;
  if (!as_user) {
    auto file = base::open_to_read(*place, rules);
    if (!file) return std::unexpected(std::move(file.error().error));
    if (!file->app_writes) return base::read_all(file->fd.get(), path.string(), limit);
  }
  if (launcher_ == nullptr)
    return base::fail_errno("cannot read " + path.string() + " with its user's rights", EPERM);
  spawn::FileRequest request{spawn::FileDeed::read, std::filesystem::absolute(path).string(), *user, limit};
  auto copy = spawn::do_as_user(*launcher_, request);
  if (!copy) return std::unexpected(std::move(copy.error().error));
  if (::lseek(copy->get(), 0, SEEK_SET) != 0) return base::fail_errno("cannot read " + path.string(), errno);
  return base::read_all(copy->get(), path.string(), limit);
}

Expected<void> FileAccess::check_logs(const config::App& app,
                                      const std::optional<spawn::Credentials>& user) const {
  const spawn::Credentials* who = user ? &*user : nullptr;
  const std::array<std::pair<const char*, const std::string*>, 3> logs = {
      {{"log.stdout", &app.log.out}, {"log.stderr", &app.log.err}, {"log.access", &app.log.access}}};
  for (const auto& [key, path] : logs) {
    if (auto checked = check_log(opener_, key, *path, who); !checked) return checked;
  }
  return {};
}

Expected<void> FileAccess::check(const config::Listener& listener) const {
  if (auto checked = check_log(opener_, "access_log", listener.access_log, nullptr); !checked) return checked;
  return check_sockets(listener);
}

Expected<void> FileAccess::check_sockets(const config::Listener& listener) const {
  for (const base::Address& address : listener.addresses) {
    if (!address.is_unix()) continue;
    if (auto checked = check_socket(trust_, address.text().substr(5)); !checked) return checked;
  }
  return {};
}

}  // namespace gracevisor::supervise
