#include "spec/file_reader.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "spawn/file_helper.h"

namespace gracevisor::spec {

using base::Expected;

Expected<std::string> FileReader::read(const std::filesystem::path& path, std::uint32_t limit,
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
    return base::fail_errno("cannot read " + path.string() + " with its user's rights", EACCES);
  spawn::FileRequest request{spawn::FileDeed::read, std::filesystem::absolute(path).string(), *user, limit};
  auto copy = spawn::do_as_user(*launcher_, request);
  if (!copy) return std::unexpected(std::move(copy.error().error));
  if (::lseek(copy->get(), 0, SEEK_SET) != 0) return base::fail_errno("cannot read " + path.string(), errno);
  return base::read_all(copy->get(), path.string(), limit);
}

}  // namespace gracevisor::spec
