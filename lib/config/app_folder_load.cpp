// The configuration in force with what has changed in the folder of daemon.autodiscover.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
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
    drop_moved();
    // Each time a file at least is taken back.
    while (true) {
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
    if (file && !findings.failed()) {
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
    std::set<std::string> elsewhere;
    for (const File& file : others_) elsewhere.merge(apps_of(file));
    for (const auto& [name, file] : now_) {
      if (!change_.missing.contains(name)) elsewhere.merge(apps_of(file));
    }
    for (const std::string& name : change_.missing) {
      const auto file = now_.find(name);
      if (file == now_.end() || !std::ranges::includes(elsewhere, apps_of(file->second))) continue;
      result_.dropped.insert(name);
      now_.erase(file);
    }
  }

  [[nodiscard]] Files all() const {
    Files files = others_;
    for (const auto& [name, file] : now_) files.push_back(file);
    return files;
  }

  // Where no error points to a file that has changed, any of them may be the cause.
  [[nodiscard]] bool take_back(const std::vector<Diagnostic>& errors) {
    std::set<std::string> blamed;
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
      taken_.erase(name);
      result_.dropped.erase(name);
      const auto before = before_.find(name);
      if (before == before_.end()) {
        now_.erase(name);
      } else {
        now_.insert_or_assign(name, before->second);
      }
    }
    return !blamed.empty();
  }

  void note_apps() {
    std::set<std::string> names = taken_;
    names.insert(result_.dropped.begin(), result_.dropped.end());
    for (const std::string& name : change_.gone) {
      if (!result_.refused.contains(name)) names.insert(name);
    }
    for (const std::string& name : names) {
      std::set<std::string>& apps = result_.apps[name];
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
  std::set<std::string> taken_;  // changed ones among them
  AppFolderLoad result_;
};

}  // namespace

std::expected<AppFolderLoad, std::vector<Diagnostic>> load_app_folder(const Files& trees,
                                                                      const std::filesystem::path& folder,
                                                                      const AppFolderChange& change,
                                                                      const DaemonUser& user) {
  return FolderLoader(trees, folder, change, user).load();
}

Files with_missing(const Files& now, const Files& before) {
  Files files = now;
  for (const File& file : before) {
    if (file.of_app_folder && std::ranges::find(now, file.name, &File::name) == now.end()) {
      files.push_back(file);
    }
  }
  return files;
}

}  // namespace gracevisor::config
