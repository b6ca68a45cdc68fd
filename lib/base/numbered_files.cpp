#include "base/numbered_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>

namespace gracevisor::base {
namespace {

// After `keep` was lowered, at most this many leftovers are removed at once.
constexpr unsigned kSurplus = 1000;

constexpr std::array<bool, 2> kForms = {false, true};  // compressed?

std::string part_name(const std::string& name) {
  return name + std::string(kCompressed) + ".part";
}

bool remove_both(int folder, const std::string& name, unsigned number) {
  bool any = false;
  for (const bool compressed : kForms) {
    any = ::unlinkat(folder, old_name(name, number, compressed).c_str(), 0) == 0 || any;
  }
  return any;
}

void remove_surplus(int folder, const std::string& name, unsigned keep) {
  for (unsigned number = keep + 1; number <= keep + kSurplus; ++number) {
    if (!remove_both(folder, name, number)) return;
  }
}

bool taken(int folder, const std::string& name, unsigned number) {
  for (const bool compressed : kForms) {
    const std::string old = old_name(name, number, compressed);
    if (::faccessat(folder, old.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return true;
  }
  return false;
}

Expected<void> move_up(int folder, const std::string& name, unsigned number) {
  for (const bool compressed : kForms) {
    const std::string from = old_name(name, number, compressed);
    if (::renameat(folder, from.c_str(), folder, old_name(name, number + 1, compressed).c_str()) != 0 &&
        errno != ENOENT) {
      return fail_errno("cannot rename " + from, errno);
    }
  }
  return {};
}

std::optional<OldFile> look_at(int folder, const std::string& name, unsigned number, bool compressed) {
  struct stat st{};
  const std::string file = number == 0 ? name : old_name(name, number, compressed);
  if (::fstatat(folder, file.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) return {};
  return OldFile{number, compressed, static_cast<std::uint64_t>(st.st_size), st.st_mtim.tv_sec, st.st_ino};
}

template <class N>
bool take_number(std::string_view& text, N& number) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const bool separated = !text.empty() && (text.front() == ' ' || text.front() == '\n');
  if (separated) text.remove_prefix(1);
  return separated;
}

}  // namespace

std::string old_name(const std::string& name, unsigned number, bool compressed) {
  std::string old = name + "." + std::to_string(number);
  if (compressed) old += kCompressed;
  return old;
}

Expected<void> shift_old_files(int folder, const std::string& name, unsigned keep) {
  if (keep == 0) {
    if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return fail_errno("cannot remove " + name, errno);
  }
  // Only the files before the first gap in the numbering have to move.
  unsigned run = 0;
  while (run + 1 < keep && taken(folder, name, run + 1)) ++run;
  // The oldest one goes: in whichever form.
  (void)remove_both(folder, name, run + 1);
  for (unsigned number = run; number >= 1; --number) {
    if (auto moved = move_up(folder, name, number); !moved) return moved;
  }
  if (::renameat(folder, name.c_str(), folder, old_name(name, 1).c_str()) != 0 && errno != ENOENT) {
    return fail_errno("cannot rename " + name, errno);
  }
  remove_surplus(folder, name, keep);
  return {};
}

std::vector<OldFile> list_old_files(int folder, const std::string& name) {
  std::vector<OldFile> files;
  if (auto current = look_at(folder, name, 0, false)) files.push_back(*current);
  unsigned missing = 0;
  for (unsigned number = 1; number <= kMostOldFiles && missing < 2; ++number) {
    bool any = false;
    for (const bool compressed : kForms) {
      const auto file = look_at(folder, name, number, compressed);
      if (!file) continue;
      files.push_back(*file);
      any = true;
    }
    missing = any ? 0 : missing + 1;
  }
  return files;
}

std::string encode(const std::vector<OldFile>& files) {
  std::string text;
  for (const OldFile& file : files) {
    for (const std::string& field : {std::to_string(file.number), std::to_string(file.compressed ? 1 : 0),
                                     std::to_string(file.size), std::to_string(file.changed)}) {
      text += field + " ";
    }
    text += std::to_string(file.inode) + "\n";
  }
  return text;
}

Expected<std::vector<OldFile>> decode_old_files(std::string_view text) {
  std::vector<OldFile> files;
  while (!text.empty()) {
    OldFile file;
    unsigned compressed = 0;
    const bool whole = take_number(text, file.number) && take_number(text, compressed) &&
                       take_number(text, file.size) && take_number(text, file.changed) &&
                       take_number(text, file.inode);
    if (!whole || compressed > 1 || file.number > kMostOldFiles || files.size() > 2UL * kMostOldFiles) {
      return fail_errno("no list of old files", EBADMSG);
    }
    file.compressed = compressed == 1;
    files.push_back(file);
  }
  return files;
}

Expected<UniqueFd> begin_compressed(int folder, const std::string& name, unsigned mode) {
  const std::string part = part_name(name);
  const UniqueFd left(::openat(folder, part.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (left && ::flock(left.get(), LOCK_EX | LOCK_NB) != 0)
    return fail_errno(part + " is being written", EBUSY);
  drop_compressed(folder, name);
  UniqueFd fd(::openat(folder, part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("cannot create " + part, errno);
  if (::fchmod(fd.get(), mode) != 0) return fail_errno("cannot set the mode of " + part, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno("cannot lock " + part, errno);
  return fd;
}

Expected<void> end_compressed(int folder, const std::string& name, std::uint64_t source) {
  const std::string part = part_name(name);
  auto failed = [&](const std::string& doing, int code) {
    drop_compressed(folder, name);
    return fail_errno(doing, code);
  };
  for (const OldFile& old : list_old_files(folder, name)) {
    if (old.inode != source || old.number == 0 || old.compressed) continue;
    const std::string plain = old_name(name, old.number);
    const std::array<timespec, 2> times = {timespec{old.changed, 0}, timespec{old.changed, 0}};
    if (::utimensat(folder, part.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
      return failed("cannot set the time of " + part, errno);
    }
    if (::renameat(folder, part.c_str(), folder, old_name(name, old.number, true).c_str()) != 0) {
      return failed("cannot rename " + part, errno);
    }
    if (::unlinkat(folder, plain.c_str(), 0) != 0) return fail_errno("cannot remove " + plain, errno);
    return {};
  }
  return failed("there is nothing left to compress of " + name, ENOENT);
}

void drop_compressed(int folder, const std::string& name) {
  (void)::unlinkat(folder, part_name(name).c_str(), 0);
}

}  // namespace gracevisor::base
