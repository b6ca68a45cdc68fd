// The folder that daemon.autodiscover names: each *.toml in it defines apps, and nothing else. Files that
// begin with a dot are not looked at, and links are not followed. A daemon that runs takes such files one by
// one as they change, while all others wait for a reload.
// Thread: the one that loads; blocks on the disk.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file_stamp.h"
#include "config/file_trust.h"
#include "config/files.h"

namespace gracevisor::config {

struct AppFolderListing {
  struct Refused {
    std::string why;
    base::FileStamp stamp = {};  // all 0: the name itself is to blame
  };
  struct stat folder{};
  std::map<std::string, base::FileStamp> files;  // by name
  std::map<std::string, Refused> refused;        // by name: what is not read
};
// Would it be looked at, by its name?
[[nodiscard]] bool is_app_file(std::string_view name);
// An error, with errno, if it or an entry cannot be looked at (nothing is known of what is missing, then), or
// if it has more than kMostFiles, or thousands of others.
[[nodiscard]] base::Expected<AppFolderListing> list_app_folder(const std::filesystem::path& folder);

// The value of daemon.autodiscover in these files; null: it is not set, or no path.
[[nodiscard]] const Value* app_folder_key(const Files& files);
// Requires: `key` came from app_folder_key().
[[nodiscard]] std::filesystem::path app_folder_of(const Value& key);
// Unset: there was an error, or the file has gone meanwhile.
[[nodiscard]] std::optional<File> read_app_file(const std::filesystem::path& path, FileTrust& trust,
                                                Findings& findings);
// The names of the apps that it defines.
[[nodiscard]] std::set<std::string> apps_of(const File& file);

// Files of the folder, by their names.
struct AppFolderChange {
  std::set<std::string> changed;  // new ones among them
  std::set<std::string> missing;
  std::set<std::string> gone;                          // those of them that no longer count
  std::set<std::string> may_shrink = {};               // changed ones that may lose apps, but not all
  std::map<std::string, base::FileStamp> stamps = {};  // of changed ones: none other is read
};
struct AppFolderLoad {
  Loaded loaded;
  std::map<std::string, std::vector<Diagnostic>> refused;  // as before instead, because of these errors
  std::set<std::string> emptied;                           // refused, as they lost all of their apps
  std::set<std::string> shrunk;                            // as before instead: they would lose apps
  std::set<std::string> unsettled;                         // as before instead: they changed meanwhile
  std::set<std::string> dropped;                           // missing, and their apps are in other files
  std::map<std::string, std::set<std::string>> apps;       // by file: those that it defines, or defined
};
// The configuration that is in force (`trees`: Config::trees) with what has changed in its folder. An error
// of a changed file keeps only that file from being taken; one of the others is returned.
[[nodiscard]] std::expected<AppFolderLoad, std::vector<Diagnostic>> load_app_folder(
    const Files& trees, const std::filesystem::path& folder, const AppFolderChange& change,
    const DaemonUser& user);
// `now` with what only `before` has of the folder: files, and apps of files, which then have no stamp. All
// that is still in force.
[[nodiscard]] Files with_lost(const Files& now, const Files& before);

}  // namespace gracevisor::config
