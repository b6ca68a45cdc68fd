// The configuration in force with what has changed in the folder of daemon.autodiscover.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "config/app_folder.h"
#include "config/draft.h"
#include "config/reading.h"

namespace gracevisor::config {
namespace {

// Would a reload find it among the files that are included, too?
bool is_included(const std::string& path, const Files& files) {
  const auto matches = [&](const File& file, const Value& value) {
    const auto* text = std::get_if<std::string>(&value.data);
    return text != nullptr &&
           ::fnmatch(beside(file.name, *text).c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
  };
  return std::ranges::any_of(files, [&](const File& file) {
    const Entry* include = find(file.tree, "include");
    if (include == nullptr) return false;
    const auto* list = std::get_if<Array>(&include->value.data);
    return list == nullptr ? matches(file, include->value)
                           : std::ranges::any_of(*list, [&](const Value& one) { return matches(file, one); });
  });
}

using Names = std::set<std::string>;

constexpr std::string_view kIsEmptied =
    "no longer has an [app.NAME] table, and its apps stay: remove the file, or use gvctl reload --remove";

Names without(const Names& names, const Names& others) {
  Names rest;
  std::ranges::set_difference(names, others, std::inserter(rest, rest.end()));
  return rest;
}

// Adds these apps of another file.
void add_apps(const Names& names, const File& from, File& to) {
  const Entry* theirs = find(from.tree, "app");
  auto own = std::ranges::find(to.tree, "app", &Entry::key);
  if (own == to.tree.end()) {
    to.tree.push_back({"app", theirs->source, {theirs->value.source, Table{}}});
    own = std::prev(to.tree.end());
  }
  auto* table = std::get_if<Table>(&own->value.data);
  if (table == nullptr) return;
  for (const Entry& app : std::get<Table>(theirs->value.data)) {
    if (names.contains(app.key)) table->push_back(app);
  }
}

// Tries the changed files with those in force, and takes back the ones to which errors point.
class FolderLoader {
 public:
  FolderLoader(const Files& trees, std::filesystem::path folder, const AppFolderChange& change,
               DaemonUser user)
      : folder_(std::move(folder)), change_(change), user_(std::move(user)) {
    for (const File& file : trees) {
      if (file.of_app_folder) {
        before_.emplace(name_of(file.name), file);
      } else {
        others_.push_back(file);
      }
    }
    if (!others_.empty()) user_.config_owner = others_.front().owner;
    now_ = before_;
  }

  std::expected<AppFolderLoad, std::vector<Diagnostic>> load() && {
    for (const std::string& name : change_.changed) read(name);
    for (const std::string& name : change_.gone) now_.erase(name);
    // Each time a file at least is taken back.
    while (true) {
      do drop_moved();
      while (take_back_shrunk());
      Findings findings;
      auto loaded = check_files(all(), user_, findings);
      if (loaded) {
        result_.loaded = std::move(*loaded);
        break;
      }
      if (!take_back(loaded.error())) return std::unexpected(std::move(loaded.error()));
    }
    note_apps();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string name_of(const std::string& path) const {
    return std::filesystem::path(path).filename().string();
  }
  [[nodiscard]] std::string path_of(const std::string& name) const { return (folder_ / name).string(); }

  void read(const std::string& name) {
    Findings findings;
    FileTrust trust(user_, findings);
    if (is_included(path_of(name), others_)) {
      findings.error({path_of(name), 1, 1}, "is in the folder of daemon.autodiscover, and included, too");
    }
    auto file = read_app_file(path_of(name), trust, findings);
    const auto stamp = change_.stamps.find(name);
    if (file && stamp != change_.stamps.end() && file->stamp != stamp->second) {
      result_.unsettled.insert(name);
    } else if (file && !findings.failed()) {
      now_.insert_or_assign(name, std::move(*file));
      taken_.insert(name);
    } else {
      std::vector<Diagnostic> errors = findings.take_errors();
      if (errors.empty()) errors.push_back({{path_of(name), 1, 1}, "has gone"});
      result_.refused.emplace(name, std::move(errors));
    }
  }

  // A file that was renamed, or divided, is not waited for.
  void drop_moved() {
    // Where they went may have been taken back.
    for (const std::string& name : result_.dropped) now_.insert_or_assign(name, before_.at(name));
    result_.dropped.clear();
    Names elsewhere;
    for (const File& file : others_) elsewhere.merge(apps_of(file));
    for (const auto& [name, file] : now_) {
      if (!change_.missing.contains(name)) elsewhere.merge(apps_of(file));
    }
    for (const std::string& name : change_.missing) {
      const auto file = now_.find(name);
      if (file == now_.end() || result_.refused.contains(name)) continue;
      if (!std::ranges::includes(elsewhere, apps_of(file->second))) continue;
      result_.dropped.insert(name);
      now_.erase(file);
    }
  }

  // Changed files with apps that none has any more, unless they may.
  [[nodiscard]] bool take_back_shrunk() {
    Names all_apps;
    for (const File& file : all()) all_apps.merge(apps_of(file));
    Names shrunk;
    for (const std::string& name : taken_) {
      const auto before = before_.find(name);
      if (before == before_.end() || without(apps_of(before->second), all_apps).empty()) continue;
      const bool is_emptied = apps_of(now_.at(name)).empty();
      if (!is_emptied && change_.may_shrink.contains(name)) continue;
      shrunk.insert(name);
      if (is_emptied) {
        result_.emptied.insert(name);
        result_.refused[name] = {{{path_of(name), 1, 1}, std::string(kIsEmptied)}};
      } else {
        result_.shrunk.insert(name);
      }
    }
    for (const std::string& name : shrunk) take_back(name);
    return !shrunk.empty();
  }

  void take_back(const std::string& name) {
    taken_.erase(name);
    const auto before = before_.find(name);
    if (before == before_.end()) {
      now_.erase(name);
    } else {
      now_.insert_or_assign(name, before->second);
    }
  }

  [[nodiscard]] Files all() const {
    Files files = others_;
    for (const auto& [name, file] : now_) files.push_back(file);
    return files;
  }

  // Where no error points to a file that has changed, any of them may be the cause.
  [[nodiscard]] bool take_back(const std::vector<Diagnostic>& errors) {
    Names blamed;
    for (const std::string& name : taken_) {
      const auto points = [&](const Diagnostic& error) { return error.source.file == path_of(name); };
      if (std::ranges::any_of(errors, points)) blamed.insert(name);
    }
    if (blamed.empty()) {
      blamed = taken_;
      for (const std::string& name : change_.gone) {
        if (!result_.refused.contains(name)) blamed.insert(name);
      }
      blamed.insert(result_.dropped.begin(), result_.dropped.end());
    }
    for (const std::string& name : blamed) {
      std::vector<Diagnostic> own = errors;
      std::erase_if(own, [&](const Diagnostic& error) { return error.source.file != path_of(name); });
      if (own.empty()) own = errors;
      result_.refused.emplace(name, std::move(own));
      result_.dropped.erase(name);
      take_back(name);
    }
    return !blamed.empty();
  }

  void note_apps() {
    Names names = taken_;
    names.insert(result_.dropped.begin(), result_.dropped.end());
    for (const std::string& name : change_.gone) {
      if (!result_.refused.contains(name)) names.insert(name);
    }
    for (const std::string& name : names) {
      Names& apps = result_.apps[name];
      if (const auto now = now_.find(name); now != now_.end()) apps.merge(apps_of(now->second));
      if (const auto before = before_.find(name); before != before_.end()) {
        apps.merge(apps_of(before->second));
      }
    }
  }

  std::filesystem::path folder_;
  const AppFolderChange& change_;
  DaemonUser user_;
  Files others_;
  std::map<std::string, File> before_;  // files of the folder, by name
  std::map<std::string, File> now_;
  Names taken_;  // changed ones among them
  AppFolderLoad result_;
};

}  // namespace

std::expected<AppFolderLoad, std::vector<Diagnostic>> load_app_folder(const Files& trees,
                                                                      const std::filesystem::path& folder,
                                                                      const AppFolderChange& change,
                                                                      const DaemonUser& user) {
  return FolderLoader(trees, folder, change, user).load();
}

Files with_lost(const Files& now, const Files& before) {
  Names apps;
  for (const File& file : now) apps.merge(apps_of(file));
  Files files = now;
  for (const File& file : before) {
    if (!file.of_app_folder) continue;
    const auto same = std::ranges::find(files, file.name, &File::name);
    if (same == files.end()) {
      files.push_back(file);
    } else if (const Names lost = without(apps_of(file), apps); !lost.empty()) {
      add_apps(lost, file, *same);
      same->stamp = {};
    }
  }
  return files;
}

}  // namespace gracevisor::config
