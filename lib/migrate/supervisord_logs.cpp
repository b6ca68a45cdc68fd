// The log files of a [program:NAME].
#include <fmt/format.h>

#include <algorithm>

#include "config/values.h"
#include "migrate/supervisord_program.h"

namespace gracevisor::migrate {
namespace {

class Logs {
 public:
  Logs(Draft& draft, App& app, Section& section, const Names& names, bool shared)
      : draft_(draft), app_(app), section_(section), names_(names), shared_(shared) {}

  base::Expected<void> run() {
    auto out = log_file("stdout");
    if (!out) return std::unexpected(out.error());
    bool merged = false;
    if (Setting* redirect = take("redirect_stderr")) {
      auto on = read_flag(*redirect, names_);
      if (!on) return std::unexpected(on.error());
      merged = *on;
    }
    if (merged) {
      (void)section_.take("stderr_logfile");
    } else if (auto err = log_file("stderr"); !err) {
      return err;
    }
    for (std::string_view which : {"stdout", "stderr"}) {
      if (auto set = set_rotation(which); !set) return set;
    }
    return {};
  }

 private:
  // The size and number of old files: ours are one pair for both files, the first that is given.
  base::Expected<void> set_rotation(std::string_view which) {
    const std::string size_key = fmt::format("{}_logfile_maxbytes", which);
    if (const Setting* size = section_.find(size_key); size != nullptr && takes(*size, "max_size", size_)) {
      (void)take(size_key);
      if (value_of("stdout") == "inherit") return {};  // nothing is rotated
      if (auto set = set_size(*size); !set) return set;
    }
    const std::string keep_key = fmt::format("{}_logfile_backups", which);
    if (const Setting* keep = section_.find(keep_key); keep != nullptr && takes(*keep, "keep", keep_)) {
      (void)take(keep_key);
      auto value = read_integer(*keep, names_, 0, 1000);
      if (!value) return std::unexpected(value.error());
      app_.set_number("log", "keep", static_cast<std::uint64_t>(*value));
    }
    return {};
  }

  // The first value of a pair, or one that equals it.
  bool takes(const Setting& setting, std::string_view key, std::string& first) const {
    if (value_of(key).empty() && first.empty()) first = setting.value;
    return first == setting.value;
  }

  base::Expected<void> set_size(const Setting& setting) {
    constexpr std::uint64_t kLeast = 1024;
    constexpr std::uint64_t kMost = 1ULL << 40;
    auto size = read_size(setting, names_);
    if (!size) return std::unexpected(size.error());
    if (*size == 0) app_.remark(setting.text(), "every log is rotated here, this one at the largest size");
    app_.set_text("log", "max_size",
                  config::size_text(*size == 0 ? kMost : std::clamp(*size, kLeast, kMost)));
    return {};
  }

  base::Expected<void> log_file(std::string_view which) {
    const Setting* setting = take(fmt::format("{}_logfile", which));
    if (setting == nullptr) return {};
    if (shared_ && setting->value.find("%(process_num)") != std::string::npos) {
      app_.remark(setting->text(),
                  "the instances of an app share its log; gvctl logs APP@GENERATION.SLOT tells them apart");
      return {};
    }
    auto path = expand(setting->value, names_, setting->text());
    if (!path) return std::unexpected(path.error());
    std::string word = lowered(*path);
    if (word == "auto") return {};
    if (word == "none" || word == "off") word = "/dev/null";
    if (word == "syslog") {
      app_.set_text("log", which, word);
      return {};
    }
    const bool standard = word == "/dev/stdout" || word == "/dev/stderr" || word.starts_with("/dev/fd/");
    std::string target = standard ? "inherit" : word == "/dev/null" ? word : *path;
    if (!standard && target != "/dev/null" && !draft_.claim_log(target)) {
      if (which == "stderr" && value_of("stdout") == target) return {};  // merged, as ours are
      app_.remark(setting->text(), "a file has one writer, and another one above has this file");
      return {};
    }
    app_.set_text("log", which, target);
    return {};
  }

  // Of a key in [log], without quotes; empty if it is not set.
  [[nodiscard]] std::string value_of(std::string_view key) const {
    for (const Entry& entry : app_.entries) {
      if (entry.table != "log" || entry.key != key) continue;
      return entry.value.starts_with('"') ? entry.value.substr(1, entry.value.size() - 2) : entry.value;
    }
    return {};
  }
  Setting* take(std::string_view key) {
    Setting* setting = section_.take(key);
    if (setting != nullptr) ++draft_.taken;
    return setting;
  }

  Draft& draft_;
  App& app_;
  Section& section_;
  const Names& names_;
  bool shared_;
  std::string size_;  // as theirs has it
  std::string keep_;
};

}  // namespace

base::Expected<void> set_logs(Draft& draft, App& app, Section& section, const Names& names, bool shared) {
  return Logs(draft, app, section, names, shared).run();
}

}  // namespace gracevisor::migrate
