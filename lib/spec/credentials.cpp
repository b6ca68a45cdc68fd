#include "spec/credentials.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>
#include <vector>

namespace gracevisor::spec {
namespace {

constexpr std::size_t kMaxRecord = 1U << 20;  // a directory service's group may list very many members

// Calls one of the get..._r functions with a buffer that grows until the record fits. Unset: no such record.
template <class Record, class Get>
base::Expected<std::optional<Record>> look_up(std::vector<char>& buffer, Get get) {
  for (buffer.resize(4096);; buffer.resize(buffer.size() * 2)) {
    Record record{};
    Record* found = nullptr;
    int r = get(&record, buffer.data(), buffer.size(), &found);
    if (r == EINTR || (r == ERANGE && buffer.size() < kMaxRecord)) continue;
    // Some sources report an unknown name with one of these instead of success without a record.
    if (r == ENOENT || r == ESRCH) return std::nullopt;
    if (r != 0) return base::fail_errno("cannot look up a user or group", r);
    if (found == nullptr) return std::nullopt;
    return record;
  }
}

// Unset when `text` is not a number; the highest value means "unchanged" to the kernel and is no id.
std::optional<std::uint32_t> as_id(std::string_view text) {
  std::uint32_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (id == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return id;
}

Credentials from_record(const passwd& record) {
  Credentials who;
  who.uid = record.pw_uid;
  who.gid = record.pw_gid;
  who.name = record.pw_name;
  who.home = record.pw_dir;
  who.shell = record.pw_shell;
  return who;
}

base::Expected<std::optional<Credentials>> find_user(uid_t uid) {
  std::vector<char> buffer;
  auto record = look_up<passwd>(buffer, [uid](passwd* out, char* data, std::size_t size, passwd** found) {
    return ::getpwuid_r(uid, out, data, size, found);
  });
  if (!record) return std::unexpected(record.error());
  if (!*record) return std::nullopt;
  return from_record(**record);
}

base::Expected<std::optional<Credentials>> find_user(const std::string& name) {
  std::vector<char> buffer;
  auto record = look_up<passwd>(buffer, [&name](passwd* out, char* data, std::size_t size, passwd** found) {
    return ::getpwnam_r(name.c_str(), out, data, size, found);
  });
  if (!record) return std::unexpected(record.error());
  if (!*record) return std::nullopt;
  return from_record(**record);
}

}  // namespace

base::Expected<gid_t> find_group(const std::string& name) {
  if (auto gid = as_id(name)) return *gid;
  std::vector<char> buffer;
  auto record = look_up<group>(buffer, [&name](group* out, char* data, std::size_t size, group** found) {
    return ::getgrnam_r(name.c_str(), out, data, size, found);
  });
  if (!record) return std::unexpected(record.error());
  if (!*record) return base::fail(fmt::format("no group \"{}\"", name));
  return (*record)->gr_gid;
}

namespace {

// getgrouplist, unlike a walk over getgrent, asks every source of the database.
std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  if (name.empty()) return {gid};
  std::vector<gid_t> groups(64);
  for (;;) {
    int count = static_cast<int>(groups.size());
    int r = ::getgrouplist(name.c_str(), gid, groups.data(), &count);
    bool too_small = r < 0 && static_cast<std::size_t>(count) > groups.size();
    groups.resize(static_cast<std::size_t>(std::max(count, 0)));
    if (!too_small) return groups;
  }
}

base::Expected<Credentials> find_by_text(const std::string& user, bool group_given) {
  if (auto uid = as_id(user)) {
    auto known = find_user(*uid);
    if (!known) return std::unexpected(known.error());
    if (*known) return **known;
    if (!group_given) {
      return base::fail(fmt::format("user {0} has no record; name its group too (\"{0}:GROUP\")", user));
    }
    Credentials who;
    who.uid = *uid;
    return who;
  }
  auto known = find_user(user);
  if (!known) return std::unexpected(known.error());
  if (!*known) return base::fail(fmt::format("no user \"{}\"", user));
  return **known;
}

}  // namespace

base::Expected<Credentials> find_account(std::string_view user) {
  std::size_t colon = user.find(':');
  bool group_given = colon != std::string_view::npos;
  std::string name(user.substr(0, colon));
  std::string group_name(group_given ? user.substr(colon + 1) : std::string_view());
  if (name.empty() || (group_given && group_name.empty())) {
    return base::fail(fmt::format(R"("{}" is not of the form "user" or "user:group")", user));
  }
  auto who = find_by_text(name, group_given);
  if (!who) return who;
  if (group_given) {
    auto gid = find_group(group_name);
    if (!gid) return std::unexpected(gid.error());
    who->gid = *gid;
  }
  who->groups = groups_of(who->name, who->gid);
  return who;
}

base::Expected<Credentials> look_up_credentials(std::string_view user) {
  auto who = find_account(user);
  if (!who) return who;
  if (::geteuid() != 0 && (who->uid != ::geteuid() || who->gid != ::getegid())) {
    return base::fail(
        fmt::format("only root can start an app as \"{}\"; this daemon runs as user {}", user, ::geteuid()));
  }
  return who;
}

namespace {

// Besides the group of the process itself, which may be among them or not.
bool has_exactly(std::vector<gid_t> groups) {
  const int count = ::getgroups(0, nullptr);
  std::vector<gid_t> own(static_cast<std::size_t>(std::max(count, 0)));
  if (count < 0 || ::getgroups(count, own.data()) != count) return false;
  for (auto* list : {&groups, &own}) {
    list->push_back(::getegid());
    std::ranges::sort(*list);
    const auto repeated = std::ranges::unique(*list);
    list->erase(repeated.begin(), repeated.end());
  }
  return groups == own;
}

}  // namespace

base::Expected<std::vector<gid_t>> look_up_groups(const std::vector<std::string>& names) {
  std::vector<gid_t> groups;
  for (const std::string& name : names) {
    auto group = find_group(name);
    if (!group) return std::unexpected(group.error());
    groups.push_back(*group);
  }
  if (::geteuid() != 0 && !has_exactly(groups)) {
    return base::fail(
        fmt::format("only root can give an app other groups; this daemon runs as user {}", ::geteuid()));
  }
  return groups;
}

Credentials own_credentials() {
  auto known = find_user(::geteuid());
  Credentials who;
  if (known && *known) who = std::move(**known);
  who.uid = ::geteuid();
  who.gid = ::getegid();
  return who;
}

}  // namespace gracevisor::spec
