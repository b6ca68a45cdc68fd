#include "config/files.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <system_error>

#include "base/accounts.h"
#include "base/file.h"
#include "config/reading.h"

namespace gracevisor::config {
namespace {

// Called by glob(3) for a folder that cannot be read. One that does not exist merely matches nothing.
int stop_unless_missing(const char* /*path*/, int code) {
  return code == ENOENT || code == ENOTDIR ? 0 : 1;
}

base::Expected<std::vector<std::string>> matches(const std::string& pattern) {
  glob_t found{};
  int result = ::glob(pattern.c_str(), 0, stop_unless_missing, &found);
  std::vector<std::string> out;
  for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  if (result != 0 && result != GLOB_NOMATCH) {
    return base::fail("cannot search " + quote_briefly(pattern) +
                      (result == GLOB_NOSPACE ? ": out of memory" : ": a folder cannot be read"));
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Identifies a file however it is named; the name itself if the file cannot be found.
std::string identity_of(const std::filesystem::path& path) {
  std::error_code failed;
  auto canonical = std::filesystem::weakly_canonical(path, failed);
  return failed ? path.string() : canonical.string();
}

class FileReader {
 public:
  FileReader(const DaemonUser& user, Findings& findings) : user_(&user), findings_(&findings) {}

  // `included_at`: the position of the include that asks for it; unset for the main file.
  void read(const std::filesystem::path& path, const std::optional<Source>& included_at) {
    Source asked = included_at.value_or(Source{path.string(), 1, 1});
    if (!may_read(path, asked)) return;
    struct stat status{};
    auto fd = base::open_regular(path, 0, status);
    if (!fd) return findings_->error(asked, (included_at ? "include: " : "") + fd.error().what);
    // By the descriptor, so that the file judged is the file read.
    if (!permissions_allow(path, status) || !owner_allows(path, status.st_uid)) return;
    auto text = base::read_all(fd->get(), path.string(), kMostFileBytes);
    if (!text) return findings_->error(asked, (included_at ? "include: " : "") + text.error().what);
    add(*text, path);
    if (!included_at && !files_.empty()) files_.front().owner = status.st_uid;
  }

  void add(std::string_view text, const std::filesystem::path& path) {
    std::string user = identity_of(path);
    seen_.insert(user);
    open_.push_back(user);
    File& file = files_.emplace_back(File{path.string(), {}});
    file.tree = parse(text, file.name, *findings_);
    follow_includes(file);
    open_.pop_back();
  }

  Files take() { return std::move(files_); }

 private:
  bool may_read(const std::filesystem::path& path, const Source& asked) {
    std::string user = identity_of(path);
    std::string problem;
    if (std::find(open_.begin(), open_.end(), user) != open_.end()) {
      problem = path.string() + " includes itself" + (open_.back() == user ? "" : ", by way of this file");
    } else if (seen_.contains(user)) {
      problem = path.string() + " is included twice";
    } else if (files_.size() >= kMostFiles) {
      problem = fmt::format("more than {} files", kMostFiles);
    } else if (open_.size() >= kMostIncludeDepth) {
      problem = fmt::format("includes nest deeper than {} files", kMostIncludeDepth);
    }
    if (!problem.empty()) {
      findings_->error(asked, "include: " + problem);
      return false;
    }
    return true;
  }

  // A user who can write the configuration of a root daemon can become root. (An ordinary user's files may be
  // group-writable, since on many systems the group is that user alone.)
  bool permissions_allow(const std::filesystem::path& path, const struct stat& status) {
    if (!user_->root()) {
      if ((status.st_mode & S_IWOTH) == 0) return true;
      findings_->error({path.string(), 1, 1},
                       fmt::format("the file can be written by everyone (mode {:04o}): chmod o-w {}",
                                   static_cast<unsigned>(status.st_mode & 07777U), path.string()));
      return false;
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return true;
    findings_->error(
        {path.string(), 1, 1},
        fmt::format("the file can be written by its group or by others (mode {:04o}), and the daemon "
                    "is root: chmod go-w {}",
                    static_cast<unsigned>(status.st_mode & 07777U), path.string()));
    return false;
  }

  // Root, the daemon's user, and the owner of the main file, who is trusted with all of it.
  bool owner_allows(const std::filesystem::path& path, uid_t owner) {
    if (owner != 0 && owner != user_->uid) {
      if (!main_owner_ && !user_->config_owner) {
        warn_of_owner(path, owner);
      } else if (owner != (main_owner_ ? *main_owner_ : *user_->config_owner)) {
        findings_->error(
            {path.string(), 1, 1},
            fmt::format("the file belongs to {}, and neither to root nor to the daemon's user{}",
                        owner_text(owner), main_owner_ ? " nor to the owner of the main file" : ""));
        return false;
      }
    }
    if (!main_owner_) main_owner_ = owner;
    return true;
  }

  void warn_of_owner(const std::filesystem::path& path, uid_t owner) {
    if (!user_->root()) return;
    findings_->warning(
        {path.string(), 1, 1},
        fmt::format("the file belongs to {}, who can have the daemon, which is root, do anything",
                    owner_text(owner)));
  }

  static std::string owner_text(uid_t owner) {
    std::string name = base::user_name(owner);
    return name.empty() ? fmt::format("uid {}", owner) : fmt::format("{} (uid {})", name, owner);
  }

  void follow_includes(const File& file) {
    const Entry* include = find(file.tree, "include");
    if (include == nullptr) return;
    Reading reading(*findings_, *user_);
    for (const Item& item : reading.texts({"include", include->value}, "a path or a list of paths")) {
      const auto& pattern = std::get<std::string>(item.value.data);
      if (pattern.empty()) {
        reading.error(item, R"(expected a path, found "")");
      } else if (auto hint = tilde_hint(pattern); !hint.empty()) {
        reading.error(item, hint);
      } else {
        follow(reading, item, (std::filesystem::path(file.name).parent_path() / pattern).string());
      }
    }
  }

  void follow(Reading& reading, const Item& item, const std::string& pattern) {
    if (pattern.find_first_of("*?[") == std::string::npos) return read(pattern, item.value.source);
    auto found = matches(pattern);
    if (!found) return reading.error(item, found.error().what);
    if (found->empty()) {
      findings_->absence(item.value.source, "include: no file matches " + quote_briefly(pattern));
    }
    for (const std::string& path : *found) read(path, item.value.source);
  }

  const DaemonUser* user_;
  Findings* findings_;
  Files files_;
  std::set<std::string> seen_;
  std::optional<uid_t> main_owner_;  // known once the main file was accepted
  std::vector<std::string> open_;    // from the main file to the one being read
};

void add_places(const std::string& path, const Value& value, Places& places) {
  if (const auto* table = std::get_if<Table>(&value.data)) {
    for (const Entry& entry : *table) add_places(path + "." + key_text(entry.key), entry.value, places);
    return;
  }
  places.add(path, value.source);
  if (const auto* array = std::get_if<Array>(&value.data)) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      places.add(fmt::format("{}[{}]", path, i), (*array)[i].source);
    }
  }
}

}  // namespace

Files read_files(const std::filesystem::path& file, const DaemonUser& user, Findings& findings) {
  FileReader reader(user, findings);
  reader.read(file, std::nullopt);
  return reader.take();
}

Files read_files(std::string_view text, const std::filesystem::path& name, const DaemonUser& user,
                 Findings& findings) {
  FileReader reader(user, findings);
  reader.add(text, name);
  return reader.take();
}

Places places_of(const Files& files) {
  Places places;
  for (const File& file : files) {
    for (const Entry& entry : file.tree) add_places(key_text(entry.key), entry.value, places);
  }
  return places;
}

}  // namespace gracevisor::config
