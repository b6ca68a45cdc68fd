#include "config/files.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <system_error>

#include "base/file.h"
#include "config/app_folder.h"
#include "config/file_trust.h"
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
  FileReader(const DaemonUser& user, Findings& findings)
      : user_(&user), findings_(&findings), trust_(user, findings) {}

  // `included_at`: the position of the include that asks for it; unset for the main file.
  void read(const std::filesystem::path& path, const std::optional<Source>& included_at) {
    Source asked = included_at.value_or(Source{path.string(), 1, 1});
    if (!may_read(path, asked)) return;
    struct stat status{};
    auto fd = base::open_regular(path, 0, status);
    if (!fd) return findings_->error(asked, (included_at ? "include: " : "") + fd.error().what);
    // By the descriptor, so that the file judged is the file read.
    if (!trust_.allows(path, status)) return;
    auto text = base::read_all(fd->get(), path.string(), kMostFileBytes);
    if (!text) return findings_->error(asked, (included_at ? "include: " : "") + text.error().what);
    add(*text, path);
    if (!included_at && !files_.empty()) files_.front().owner = status.st_uid;
  }

  void add(std::string_view text, const std::filesystem::path& path) {
    std::string user = identity_of(path);
    seen_.insert(user);
    open_.push_back(user);
    File& file = files_.emplace_back(File{.name = path.string(), .tree = {}});
    file.tree = parse(text, file.name, *findings_);
    follow_includes(file);
    open_.pop_back();
  }

  // What daemon.autodiscover names, once all others are known.
  void add_app_folder() {
    const Value* written = app_folder_key(files_);
    if (written == nullptr) return;
    const std::filesystem::path folder = app_folder_of(*written);
    auto listing = list_app_folder(folder);
    if (!listing && listing.error().code == ENOENT) {
      return findings_->absence(written->source, "daemon.autodiscover: there is no " + folder.string());
    }
    if (!listing) return findings_->error(written->source, "daemon.autodiscover: " + listing.error().what);
    if (!trust_.allows(folder, listing->folder)) return;
    for (const auto& [name, refused] : listing->refused) {
      findings_->warning({(folder / name).string(), 1, 1}, refused.why);
    }
    for (const auto& [name, stamp] : listing->files) add_app_file(folder / name, written->source);
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

  void add_app_file(const std::filesystem::path& path, const Source& asked) {
    if (seen_.contains(identity_of(path))) {
      return findings_->error(
          asked,
          fmt::format("daemon.autodiscover: {} is included, too: let one of the two be", path.string()));
    }
    if (files_.size() >= kMostFiles) {
      return findings_->error(asked, fmt::format("daemon.autodiscover: more than {} files", kMostFiles));
    }
    if (auto file = read_app_file(path, trust_, *findings_)) files_.push_back(std::move(*file));
  }

  const DaemonUser* user_;
  Findings* findings_;
  Files files_;
  std::set<std::string> seen_;
  FileTrust trust_;
  std::vector<std::string> open_;  // from the main file to the one being read
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
  reader.add_app_folder();
  return reader.take();
}

Files read_files(std::string_view text, const std::filesystem::path& name, const DaemonUser& user,
                 Findings& findings) {
  FileReader reader(user, findings);
  reader.add(text, name);
  reader.add_app_folder();
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
