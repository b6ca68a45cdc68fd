#include "migrate/supervisord_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/config.h"
#include "config/findings.h"
#include "config/values.h"
#include "config/words.h"
#include "migrate/said.h"

namespace gracevisor::migrate {
namespace {

constexpr std::int64_t kMostSeconds = 86'400;
constexpr std::size_t kMostInAll = 8U << 20;

constexpr Said kProgramKeys[] = {
    {"numprocs_start", "slots are numbered from 1"},
    {"priority", "no order of starts in this version"},
    {"process_name", "an instance is called APP@GENERATION.SLOT"},
    {"redirect_stderr", "log.stderr is \"stdout\" unless it names a file"},
    {"serverurl", "apps get no address of the daemon"},
    {"stderr_logfile_backups", "log.keep is for both files"},
    {"stderr_logfile_maxbytes", "log.max_size is for both files"},
    {"stdout_syslog", "log.stdout = \"syslog\", instead of a file"},
    {"stderr_syslog", "log.stderr = \"syslog\", instead of a file"},
    {"umask", "umask = \"MASK\""},
};

std::string_view says(const Setting& setting) {
  const auto* known = std::ranges::find(kProgramKeys, setting.key, &Said::key);
  if (known != std::end(kProgramKeys)) return known->says;
  if (setting.key.find("_events_") != std::string::npos ||
      setting.key.find("_capture_") != std::string::npos) {
    return "nothing listens to events here";
  }
  return "supervisord has no such key for a program";
}

// Values that are set once for each app made of the program.
class Program {
 public:
  Program(Draft& draft, Section& section, const Scope& scope)
      : draft_(draft), section_(section), scope_(scope), names_(scope.names()) {}

  base::Expected<void> run() {
    if (auto read = read_counts(); !read) return read;
    std::size_t bytes = 0;
    for (const Setting& setting : section_.settings) bytes += setting.value.size();
    if (bytes * static_cast<std::size_t>(count_) > kMostInAll) {
      return base::fail(section_.text() + ": too much text for so many processes");
    }
    const auto command = copy("command");
    if (!command) return base::fail(section_.text() + ": a program needs a command");
    environment_ = copy("environment");
    directory_ = copy("directory");

    std::vector<Command> commands;
    for (std::int64_t i = 0; i < (numbered(command) ? count_ : 1); ++i) {
      auto words = command_of(*command, first_ + i);
      if (!words) return std::unexpected(words.error());
      commands.push_back(std::move(*words));
    }
    const bool elsewhere = numbered(environment_) || numbered(directory_);
    if (count_ > 1 && (elsewhere || (commands.size() > 1 && !same_server(commands)))) return each(*command);
    App& app = draft_.add_app(scope_.program, section_.text());
    if (count_ > 1) app.set_number("", "instances", static_cast<std::uint64_t>(count_));
    return fill(app, std::move(commands), first_);
  }

 private:
  base::Expected<void> read_counts() {
    auto count = number("numprocs", 1);
    auto first = number("numprocs_start", 0);
    if (!count || !first) return std::unexpected(!count ? count.error() : first.error());
    if (*count < 1 || *count > config::kMostInstances) {
      return base::fail(
          fmt::format("{}: numprocs is from 1 to {} here", section_.text(), config::kMostInstances));
    }
    count_ = *count;
    first_ = *first;
    return {};
  }

  // Does the value differ between the processes?
  [[nodiscard]] static bool numbered(const std::optional<Setting>& setting) {
    return setting.has_value() && setting->value.find("%(process_num)") != std::string::npos;
  }

  [[nodiscard]] static bool same_server(const std::vector<Command>& commands) {
    Draft scratch;
    App& app = scratch.add_app("app", "");
    scratch.set_program(app, commands.front(), {}, {commands.begin() + 1, commands.end()});
    return std::ranges::any_of(app.entries, [](const Entry& entry) { return entry.key == "listen"; });
  }

  // An app for each process, since they differ.
  base::Expected<void> each(const Setting& command) {
    if (draft_.apps.size() + static_cast<std::size_t>(count_) > Draft::kMostApps) {
      return base::fail(fmt::format("{}: more than {} apps", section_.text(), Draft::kMostApps));
    }
    for (std::int64_t i = 0; i < count_; ++i) {
      App& app = draft_.add_app(fmt::format("{}-{}", scope_.program, first_ + i), "");
      if (i == 0)
        app.remark(section_.text(), fmt::format("its {} processes differ: an app for each", count_));
      auto words = command_of(command, first_ + i);
      if (!words) return std::unexpected(words.error());
      if (auto filled = fill(app, {std::move(*words)}, first_ + i); !filled) return filled;
    }
    return {};
  }

  Names names_of(std::int64_t number) const {
    Names names = names_;
    names["process_num"] = std::to_string(number);
    names["numprocs"] = std::to_string(count_);
    return names;
  }

  base::Expected<Environment> environment_of(std::int64_t number) const {
    Environment all = scope_.environment;
    if (!environment_) return all;
    auto text = expand(environment_->value, names_of(number), environment_->text());
    if (!text) return std::unexpected(text.error());
    auto own = read_pairs(*text, environment_->text());
    if (!own) return own;
    for (auto& [name, value] : *own) all.insert_or_assign(name, value);
    return all;
  }

  // Names that a program's own environment= sets are %(ENV_NAME)s in its command.
  base::Expected<Command> command_of(const Setting& command, std::int64_t number) const {
    auto environment = environment_of(number);
    if (!environment) return std::unexpected(environment.error());
    Names names = names_of(number);
    for (const auto& [name, value] : *environment) names["ENV_" + name] = value;
    auto text = expand(command.value, names, command.text());
    if (!text) return std::unexpected(text.error());
    auto read = config::read_words(*text);
    if (!read) return base::fail(command.text() + ": " + read.error().what);
    if (read->words.empty()) return base::fail(command.text() + ": the command is empty");
    return as_template(read->words);
  }

  base::Expected<void> fill(App& app, std::vector<Command> commands, std::int64_t process) {
    auto environment = environment_of(process);
    if (!environment) return std::unexpected(environment.error());
    Command command = std::move(commands.front());
    commands.erase(commands.begin());
    draft_.set_program(app, command, std::move(*environment), commands);
    if (directory_) {
      auto path = expand(directory_->value, names_of(process), directory_->text());
      if (!path) return std::unexpected(path.error());
      app.set_text("", "directory", *path);
    }
    if (Setting* user = take("user")) {
      auto name = expand(user->value, names_, user->text());
      if (!name) return std::unexpected(name.error());
      app.set_text("", "user", *name);
    }
    if (auto done = set_start(app); !done) return done;
    if (auto done = set_stop(app); !done) return done;
    const bool shared = count_ > 1 && app.name == scope_.program;
    if (auto done = set_logs(draft_, app, section_, names_of(process), shared); !done) return done;
    for (Setting& setting : section_.settings) {
      if (!setting.taken) app.remark(setting.text(), std::string(says(setting)));
      setting.taken = true;  // said once for all of its processes
    }
    return {};
  }

  base::Expected<void> set_start(App& app) {
    if (Setting* autostart = take("autostart")) {
      auto on = read_flag(*autostart, names_);
      if (!on) return std::unexpected(on.error());
      if (!*on) app.set("", "autostart", "false");
    }
    std::string_view policy = "on-failure";
    if (Setting* autorestart = take("autorestart");
        autorestart != nullptr && autorestart->value != "unexpected") {
      auto on = read_flag(*autorestart, names_);
      if (!on) return std::unexpected(on.error());
      policy = *on ? "always" : "never";
    }
    app.set_text("restart", "policy", policy);
    Setting* codes = take("exitcodes");
    if (codes != nullptr && policy == "on-failure") app.set_success(codes->value, {}, codes->text());
    if (Setting* seconds = take("startsecs")) {
      auto value = read_integer(*seconds, names_, 0, kMostSeconds);
      if (!value) return std::unexpected(value.error());
      app.set_duration("restart", "stable_after", std::chrono::seconds(*value), seconds->text());
      if (is_worker(app)) app.set_duration("deploy", "settle", std::chrono::seconds(*value), seconds->text());
    }
    if (Setting* retries = take("startretries")) {
      auto value = read_integer(*retries, names_, 0, 999'999);
      if (!value) return std::unexpected(value.error());
      app.set_number("restart", "max_failures",
                     static_cast<std::uint64_t>(*value) + 1);  // and the first start
    }
    return {};
  }

  base::Expected<void> set_stop(App& app) {
    if (Setting* signal = take("stopsignal")) {
      auto known = config::parse_signal(signal->value);
      if (!known) return base::fail(signal->text() + ": " + known.error().what);
      app.set_text("stop", "signal", config::signal_text(*known));
    }
    if (Setting* wait = take("stopwaitsecs")) {
      auto value = read_integer(*wait, names_, 0, kMostSeconds);
      if (!value) return std::unexpected(value.error());
      app.set_duration("stop", "timeout", std::chrono::seconds(*value), wait->text());
    }
    (void)take("killasgroup");  // what is left is always killed
    bool group = false;
    if (Setting* as_group = take("stopasgroup")) {
      auto on = read_flag(*as_group, names_);
      if (!on) return std::unexpected(on.error());
      group = *on;
    }
    // supervisord's default is the other one.
    if (!group) app.set_text("stop", "scope", "main");
    return {};
  }

  static bool is_worker(const App& app) {
    return std::ranges::any_of(app.entries, [](const Entry& e) {
      return e.table.empty() && e.key == "endpoint" && e.value == R"("none")";
    });
  }

  // Of what each process needs again.
  std::optional<Setting> copy(std::string_view key) {
    Setting* setting = take(key);
    return setting == nullptr ? std::nullopt : std::optional(*setting);
  }
  Setting* take(std::string_view key) {
    Setting* setting = section_.take(key);
    if (setting != nullptr) ++draft_.taken;
    return setting;
  }

  base::Expected<std::int64_t> number(std::string_view key, std::int64_t otherwise) {
    Setting* setting = take(key);
    return setting == nullptr ? otherwise : read_integer(*setting, names_, 0, 1'000'000);
  }

  Draft& draft_;
  Section& section_;
  const Scope& scope_;
  Names names_;
  std::optional<Setting> environment_;
  std::optional<Setting> directory_;
  std::int64_t count_ = 1;
  std::int64_t first_ = 0;
};

}  // namespace

base::Expected<void> add_program(Draft& draft, Section& section, const Scope& scope) {
  return Program(draft, section, scope).run();
}

}  // namespace gracevisor::migrate
