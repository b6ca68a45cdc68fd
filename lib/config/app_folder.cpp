#include "config/app_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/one_line.h"
#include "base/unique_fd.h"
#include "config/reading.h"

namespace gracevisor::config {
namespace {

constexpr std::string_view kIsLink = "is a symbolic link, and not read";
constexpr std::string_view kIsNoFile = "is no regular file, and not read";
constexpr std::size_t kMostEntries = 4096;  // whatever their names

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { (void)::closedir(folder); }
};

bool has_controls(const std::string& name) {
  return std::ranges::any_of(name, [](unsigned char c) { return c < ' ' || c == 0x7F; });
}

base::Expected<void> add_file(int folder, const std::string& name, AppFolderListing& listing) {
  struct stat status{};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};  // it has gone
    return base::fail_errno("cannot stat " + base::one_line(name, NAME_MAX), errno);
  }
  if (has_controls(name)) {
    listing.refused[base::one_line(name, NAME_MAX)] = {.why = "has an odd name, and is not read"};
  } else if (S_ISREG(status.st_mode)) {
    listing.files.emplace(name, base::stamp_of(status));
  } else {
    listing.refused[name] = {.why = std::string(S_ISLNK(status.st_mode) ? kIsLink : kIsNoFile),
                             .stamp = base::stamp_of(status)};
  }
  return {};
}

}  // namespace

bool is_app_file(std::string_view name) {
  return name.ends_with(".toml") && !name.starts_with('.');
}

base::Expected<AppFolderListing> list_app_folder(const std::filesystem::path& folder) {
  base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return base::fail_errno("cannot open " + folder.string(), errno);
  AppFolderListing listing;
  if (::fstat(fd.get(), &listing.folder) != 0) {
    return base::fail_errno("cannot stat " + folder.string(), errno);
  }
  const std::unique_ptr<DIR, CloseFolder> open(::fdopendir(fd.get()));
  if (open == nullptr) return base::fail_errno("cannot read " + folder.string(), errno);
  (void)fd.release();  // closed with `open`
  for (std::size_t entries = 0;; ++entries) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());  // NOLINT(concurrency-mt-unsafe): a folder of our own
    if (entry == nullptr) break;
    if (entries >= kMostEntries) {
      return base::fail(fmt::format("{} has more than {} entries", folder.string(), kMostEntries));
    }
    if (!is_app_file(entry->d_name)) continue;
    if (listing.files.size() + listing.refused.size() >= kMostFiles) {
      return base::fail(fmt::format("{} has more than {} files", folder.string(), kMostFiles));
    }
    if (auto added = add_file(::dirfd(open.get()), entry->d_name, listing); !added) {
      return std::unexpected(std::move(added.error()));
    }
  }
  if (errno != 0) return base::fail_errno("cannot read " + folder.string(), errno);
  return listing;
}

const Value* app_folder_key(const Files& files) {
  for (const File& file : files) {
    const Entry* daemon = file.of_app_folder ? nullptr : find(file.tree, "daemon");
    const auto* table = daemon == nullptr ? nullptr : std::get_if<Table>(&daemon->value.data);
    const Entry* key = table == nullptr ? nullptr : find(*table, "autodiscover");
    const auto* text = key == nullptr ? nullptr : std::get_if<std::string>(&key->value.data);
    if (text != nullptr && !text->empty() && tilde_hint(*text).empty()) return &key->value;
  }
  return nullptr;
}

std::filesystem::path app_folder_of(const Value& key) {
  return beside(key.source.file, std::get<std::string>(key.data));
}

std::optional<File> read_app_file(const std::filesystem::path& path, FileTrust& trust, Findings& findings) {
  const Source at{path.string(), 1, 1};
  struct stat status{};
  auto fd = base::open_regular(path, O_NOFOLLOW, status);
  if (!fd) {
    const bool is_link = fd.error().code == ELOOP;
    if (fd.error().code != ENOENT) findings.error(at, is_link ? std::string(kIsLink) : fd.error().what);
    return std::nullopt;
  }
  // By the descriptor, so that the file judged is the file read.
  if (!trust.allows(path, status)) return std::nullopt;
  auto text = base::read_all(fd->get(), path.string(), kMostFileBytes);
  if (!text) {
    findings.error(at, text.error().what);
    return std::nullopt;
  }
  File file{.name = path.string(), .tree = parse(*text, path.string(), findings), .owner = status.st_uid};
  file.of_app_folder = true;
  struct stat after{};
  const bool is_same = ::fstat(fd->get(), &after) == 0 && base::stamp_of(after) == base::stamp_of(status);
  if (is_same) file.stamp = base::stamp_of(status);
  return file;
}

std::set<std::string> apps_of(const File& file) {
  std::set<std::string> names;
  const Entry* apps = find(file.tree, "app");
  const auto* table = apps == nullptr ? nullptr : std::get_if<Table>(&apps->value.data);
  if (table == nullptr) return names;
  for (const Entry& app : *table) names.insert(app.key);
  return names;
}

}  // namespace gracevisor::config
