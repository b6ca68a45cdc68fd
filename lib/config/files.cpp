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

// One file however it is named; the name itself where the file cannot be found.
std::string identity_of(const std::filesystem::path& path) {
  std::error_code failed;
  auto canonical = std::filesystem::weakly_canonical(path, failed);
  return failed ? path.string() : canonical.string();
}

class FileReader {
 public:
  FileReader(const Identity& identity, Findings& findings) : identity_(&identity), findings_(&findings) {}

  // `included_at`: where the include stands that asks for it; unset for the main file.
  void read(const std::filesystem::path& path, const std::optional<Source>& included_at) {
    Source asked = included_at.value_or(Source{path.string(), 1, 1});
    if (!may_read(path, asked)) return;
    auto text = base::read_file(path, kMostFileBytes);
    if (!text) return findings_->error(asked, (included_at ? "include: " : "") + text.error().what);
    add(*text, path);
  }

  void add(std::string_view text, const std::filesystem::path& path) {
    std::string identity = identity_of(path);
    seen_.insert(identity);
    open_.push_back(identity);
    File& file = files_.emplace_back(File{path.string(), {}});
    file.tree = parse(text, file.name, *findings_);
    follow_includes(file);
    open_.pop_back();
  }

  Files take() { return std::move(files_); }

 private:
  bool may_read(const std::filesystem::path& path, const Source& asked) {
    std::string identity = identity_of(path);
    std::string problem;
    if (std::find(open_.begin(), open_.end(), identity) != open_.end()) {
      problem =
          path.string() + " includes itself" + (open_.back() == identity ? "" : ", by way of this file");
    } else if (seen_.contains(identity)) {
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
    return permissions_allow(path);
  }

  // Whoever can write the configuration of a daemon that is root can be root.
  bool permissions_allow(const std::filesystem::path& path) {
    struct stat status{};
    if (!identity_->root() || ::stat(path.c_str(), &status) != 0) return true;  // the read reports what fails
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return true;
    findings_->error(
        {path.string(), 1, 1},
        fmt::format("the file can be written by its group or by others (mode {:04o}), and the daemon "
                    "is root: chmod go-w {}",
                    static_cast<unsigned>(status.st_mode & 07777U), path.string()));
    return false;
  }

  void follow_includes(const File& file) {
    const Entry* include = find(file.tree, "include");
    if (include == nullptr) return;
    Reading reading(*findings_, *identity_);
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
    for (const std::string& path : *found) read(path, item.value.source);
  }

  const Identity* identity_;
  Findings* findings_;
  Files files_;
  std::set<std::string> seen_;
  std::vector<std::string> open_;  // from the main file to the one being read
};

}  // namespace

Files read_files(const std::filesystem::path& file, const Identity& identity, Findings& findings) {
  FileReader reader(identity, findings);
  reader.read(file, std::nullopt);
  return reader.take();
}

Files read_files(std::string_view text, const std::filesystem::path& name, const Identity& identity,
                 Findings& findings) {
  FileReader reader(identity, findings);
  reader.add(text, name);
  return reader.take();
}

}  // namespace gracevisor::config
