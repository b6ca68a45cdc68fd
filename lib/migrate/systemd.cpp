// A systemd unit of the type service, with its drop-ins.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/codecs.h"
#include "config/config.h"
#include "migrate/migrate.h"
#include "migrate/sections.h"
#include "migrate/systemd_keys.h"
#include "migrate/unit_words.h"

namespace gracevisor::migrate {
namespace {

class UnitImporter {
 public:
  explicit UnitImporter(const Input& input) : input_(input) {}

  base::Expected<Draft> run() {
    if (auto read = read_unit(input_.text, input_.name, sections_); !read)
      return std::unexpected(read.error());
    if (auto read = follow_drop_ins(); !read) return std::unexpected(read.error());
    service_ = find_section(sections_, "Service");
    if (service_ == nullptr)
      return base::fail(input_.name + ": no [Service] in it: only such units have a process");
    set_specifiers();

    std::string stem = input_.path.stem().string();
    App& app = draft_.add_app(stem.ends_with('@') ? stem.substr(0, stem.size() - 1) : stem, input_.name);
    say_instances(app);
    Environment environment = read_environment(app);
    auto command = read_command(app, environment);
    if (!command) return std::unexpected(command.error());
    draft_.set_program(app, *command, std::move(environment));
    set_place(app);
    set_type(app);
    set_restart(app);
    set_stop(app);
    set_logs(app);
    say_rest(app);
    return std::move(draft_);
  }

 private:
  // NAME.service.d/*.conf beside the unit; for one that a package brought also those of the host.
  base::Expected<void> follow_drop_ins() {
    const std::string folder = input_.path.filename().string() + ".d";
    std::vector<std::filesystem::path> places{input_.path.parent_path()};
    if (places[0] == "/lib/systemd/system" || places[0] == "/usr/lib/systemd/system") {
      places.emplace_back("/etc/systemd/system");
    }
    std::map<std::string, std::filesystem::path> files;  // by name; the host's replaces the package's
    for (const auto& place : places) {
      auto found = input_.files.match((place / folder / "*.conf").string());
      if (!found) return std::unexpected(found.error());
      for (const auto& path : *found) files[path.filename().string()] = path;
    }
    for (const auto& [name, path] : files) {
      auto text = input_.files.read(path);
      if (!text) return std::unexpected(text.error());
      if (auto valid = check_text(*text, path.string()); !valid) return valid;
      if (auto read = read_unit(*text, path.string(), sections_); !read) return read;
    }
    return {};
  }

  void set_specifiers() {
    std::string unit = input_.path.filename().string();
    std::string stem = input_.path.stem().string();
    auto at = stem.find('@');
    std::string instance = at == std::string::npos ? "" : stem.substr(at + 1);
    template_ = at != std::string::npos && instance.empty();
    specifiers_ = {{'n', unit},       {'N', stem},         {'p', stem.substr(0, at)}, {'t', "/run"},
                   {'S', "/var/lib"}, {'C', "/var/cache"}, {'L', "/var/log"},         {'E', "/etc"},
                   {'T', "/tmp"},     {'V', "/var/tmp"},   {'H', input_.host.name}};
    specifiers_['l'] = input_.host.name.substr(0, input_.host.name.find('.'));
    if (!template_) specifiers_['i'] = specifiers_['I'] = instance;
    const Setting* user = last("User");
    std::string name = user == nullptr ? "root" : user->value;
    specifiers_['u'] = name;
    if (auto home = input_.host.home_of(name)) specifiers_['h'] = *home;
  }

  // The last that is set, without taking it.
  [[nodiscard]] const Setting* last(std::string_view key) const {
    const Setting* found = nullptr;
    for (const Setting& setting : service_->settings) {
      if (setting.key == key) found = &setting;
    }
    return found;
  }

  // systemd's instance is a name that is given at the start; ours is a slot's number.
  void say_instances(App& app) {
    if (!template_) return;
    app.remark(input_.name,
               "a template: %i in its command and environment is {slot} here, a number from 1 to instances; "
               "for names of your own import NAME@INSTANCE.service, a link to it");
  }

  // With {slot} for %i, where placeholders are filled in.
  [[nodiscard]] base::Expected<std::string> fill(std::string_view text, bool placeholders) const {
    Specifiers all = specifiers_;
    if (template_ && placeholders) all['i'] = all['I'] = std::string(1, kSlot);
    return fill_specifiers(text, all);
  }
  static std::string with_slot(const std::string& text) {
    std::string out;
    for (char c : text) out += c == kSlot ? "{slot}" : std::string(1, c);
    return out;
  }

  // An empty setting takes back those before it.
  std::vector<Setting*> take_list(std::string_view key) {
    std::vector<Setting*> list;
    for (Setting* setting : service_->take_all(key)) {
      if (setting->value.empty()) {
        list.clear();
      } else {
        list.push_back(setting);
      }
    }
    draft_.taken += list.size();
    return list;
  }
  Setting* take(std::string_view key) {
    Setting* setting = service_->take(key);
    if (setting == nullptr || setting->value.empty()) return nullptr;
    ++draft_.taken;
    return setting;
  }

  Environment read_environment(App& app) {
    Environment environment;
    for (const Setting* setting : take_list("Environment")) {
      auto words = read_unit_words(setting->value);
      if (!words) {
        app.remark(setting->text(), words.error().what);
        continue;
      }
      for (const std::string& word : *words) {
        auto text = fill(word, true);
        auto sign = text ? text->find('=') : std::string::npos;
        if (!text || sign == std::string::npos || sign == 0 || text->find_first_of(" \t\n") < sign) {
          app.remark(setting->text(), text ? "expected NAME=VALUE" : text.error().what);
          continue;
        }
        environment.insert_or_assign(text->substr(0, sign), with_slot(as_template(text->substr(sign + 1))));
      }
    }
    std::vector<std::string> files;
    for (const Setting* setting : take_list("EnvironmentFile")) {
      std::string_view path = setting->value;
      bool optional = path.starts_with('-');
      if (optional) path.remove_prefix(1);
      auto text = fill(path, false);
      if (!text || text->find_first_of("*?[") != std::string::npos) {
        app.remark(setting->text(),
                   text ? "environment_file takes no pattern: name each file" : text.error().what);
        continue;
      }
      files.push_back((optional ? "?" : "") + *text);
    }
    if (!files.empty()) app.set("", "environment_file", config::list_text(files));
    return environment;
  }

  base::Expected<Command> read_command(App& app, const Environment& environment) {
    std::vector<Setting*> commands = take_list("ExecStart");
    if (commands.empty()) return base::fail(input_.name + ": no ExecStart= in it");
    std::string chain;
    UnitCommand last;
    for (const Setting* setting : commands) {
      auto one = read_one(app, *setting, environment);
      if (!one) return std::unexpected(one.error());
      last = std::move(*one);
      if (commands.size() == 1) break;
      chain += chain.empty() ? "" : " && ";
      chain += line_of(last.command, setting == commands.back());
    }
    if (!last.shell_for.empty()) {
      app.remark(commands.back()->text(),
                 fmt::format("${} is set when the app starts: a shell fills it in", last.shell_for));
    }
    if (commands.size() == 1) return std::move(last.command);
    app.remark(commands.front()->text(),
               fmt::format("{} commands, one after the other: a shell runs them", commands.size()));
    return Command{"sh", "-c", chain};
  }

  // A template of a shell's line.
  static std::string line_of(const Command& command, bool end) {
    const bool shell = command.size() == 3 && command[0] == "sh" && command[1] == "-c";
    if (shell) return end ? command[2] : "(" + command[2] + ")";
    std::string line = end ? "exec" : "";
    for (const std::string& word : command) line += (line.empty() ? "" : " ") + shell_quoted(word);
    return line;
  }

  base::Expected<UnitCommand> read_one(App& app, const Setting& setting, const Environment& environment) {
    constexpr std::size_t kLongest = 64U << 10;
    std::string_view text = setting.value;
    if (text.size() > kLongest) return base::fail(setting.text() + ": a command of more than 64 KiB");
    auto end = std::min(text.find_first_not_of("@-:+!|"), text.size());
    std::string_view prefixes = text.substr(0, end);
    text.remove_prefix(end);
    auto read = read_unit_words(text);
    if (!read) return base::fail(setting.text() + ": " + read.error().what);
    std::vector<std::string> words;
    for (const std::string& word : *read) {
      auto filled = fill(word, true);
      if (!filled) return base::fail(setting.text() + ": " + filled.error().what);
      words.push_back(std::move(*filled));
    }
    if (words.empty()) return base::fail(setting.text() + ": no program");
    for (char prefix : prefixes) {
      if (prefix == '@' && words.size() > 1) words.erase(words.begin() + 1);
      app.remark(setting.text(), std::string(says_of_prefix(prefix)));
    }
    if (prefixes.find(':') != std::string_view::npos) {
      UnitCommand plain;
      for (const std::string& word : words) plain.command.push_back(with_slot(as_template(word)));
      return plain;
    }
    auto filled = fill_variables(words, environment);
    if (!filled) return base::fail(setting.text() + ": " + filled.error().what);
    for (std::string& word : filled->command) word = with_slot(word);
    return filled;
  }

  void set_place(App& app) {
    if (Setting* directory = take("WorkingDirectory")) {
      std::string_view path = directory->value;
      if (path.starts_with('-')) path.remove_prefix(1);
      auto text = path == "~" ? fill("%h", false) : fill(path, false);
      if (text) app.set_text("", "directory", *text);
      if (!text) app.remark(directory->text(), text.error().what);
    }
    Setting* user = take("User");
    Setting* group = take("Group");
    auto name = user == nullptr ? base::Expected<std::string>("") : fill(user->value, false);
    auto of = group == nullptr ? base::Expected<std::string>("") : fill(group->value, false);
    if (!name) return app.remark(user->text(), name.error().what);
    if (!of) return app.remark(group->text(), of.error().what);
    if (user == nullptr && group == nullptr) return;
    app.set_text("", "user", (name->empty() ? "root" : *name) + (of->empty() ? "" : ":" + *of));
  }

  void set_type(App& app) {
    Setting* type = take("Type");
    if (type == nullptr) return;
    if (type->value == "forking") {
      app.remark(type->text(),
                 "not possible: the command must stay in the foreground; remove its option that sends it to "
                 "the background (--daemon, -D, -d), then autostart = false");
      app.set("", "autostart", "false");
    } else if (type->value == "oneshot") {
      app.remark(type->text(),
                 "a command that ends, which is no service: it runs once and is then stopped; for a timer "
                 "keep the unit");
    } else if (type->value.starts_with("notify") || type->value == "dbus") {
      app.remark(type->text(),
                 "an app is ready when its health check succeeds, or has run for deploy.settle");
    }
  }

  void set_restart(App& app) {
    std::string policy = "no";
    Setting* restart = take("Restart");
    if (restart != nullptr) policy = restart->value;
    std::string_view ours = "on-failure";
    if (policy == "no") ours = "never";
    if (policy == "always" || policy == "on-success") ours = "always";
    if (policy == "on-abnormal" || policy == "on-abort" || policy == "on-watchdog") ours = "on-abnormal";
    if (policy != "no" && policy != ours) {
      app.remark(restart->text(), fmt::format("the nearest here is \"{}\"", ours));
    }
    app.set_text("restart", "policy", ours);
    if (Setting* success = take("SuccessExitStatus")) app.set_success(success->value, {0}, success->text());
    if (Setting* pause = take("RestartSec")) {
      auto time = read_time_span(pause->value);
      if (!time) return app.remark(pause->text(), "no time span");
      app.set_duration("restart", "backoff", *time, pause->text(), Millis(10));
      app.set_duration("restart", "backoff_max", *time, "", Millis(10));  // systemd's pause stays the same
    }
    if (Setting* start = take("TimeoutStartSec")) {
      auto time = read_time_span(start->value);
      if (!time) return app.remark(start->text(), "no time span");
      app.set_duration("deploy", "timeout", time->count() == 0 ? Millis::max() : *time, start->text(),
                       Millis(10));
    }
  }

  void set_stop(App& app) {
    if (Setting* signal = take("KillSignal")) {
      auto known = config::parse_signal(signal->value);
      if (known) app.set_text("stop", "signal", config::signal_text(*known));
      if (!known) app.remark(signal->text(), known.error().what);
    }
    Setting* timeout = take("TimeoutStopSec");
    if (timeout == nullptr) timeout = take("TimeoutSec");
    if (timeout != nullptr) {
      auto time = read_time_span(timeout->value);
      if (time) app.set_duration("stop", "timeout", *time, timeout->text());
      if (!time) app.remark(timeout->text(), "no time span");
    }
    if (Setting* mode = take("KillMode")) {
      if (mode->value != "control-group") app.set_text("stop", "scope", "main");
      if (mode->value == "process" || mode->value == "none") app.set_text("stop", "leftover", "leave");
      if (mode->value == "none") app.remark(mode->text(), "the main process is always signalled");
    }
  }

  void set_logs(App& app) {
    set_log(app, "stdout", "StandardOutput");
    set_log(app, "stderr", "StandardError");
  }

  void set_log(App& app, std::string_view ours, std::string_view theirs) {
    Setting* setting = take(theirs);
    if (setting == nullptr) return;
    std::string_view value = setting->value;
    if (value == "null") return app.set_text("log", ours, "/dev/null");
    if (value == "inherit") return;
    if (value == "journal" || value == "syslog") return app.set_text("log", ours, "journal");
    auto colon = value.find(':');
    std::string_view kind = value.substr(0, colon);
    if (kind == "append" || kind == "truncate" || kind == "file") {
      auto path = fill(value.substr(colon + 1), false);
      if (!path) return app.remark(setting->text(), path.error().what);
      for (const Entry& entry : app.entries) {
        if (entry.table == "log" && entry.value == config::quote(*path)) return;  // merged, as ours are
      }
      return app.set_text("log", ours, *path);
    }
    app.remark(setting->text(),
               "apps write to a file, by default log/APP.log in daemon.state_dir, and gvctl logs shows "
               "it; \"journal\" and \"syslog\" are other places");
  }

  void say_rest(App& app) {
    for (const Section& section : sections_) {
      for (const Setting& setting : section.settings) {
        if (setting.taken || setting.value.empty() || says_nothing(section.name, setting.key)) continue;
        app.remark(setting.text(), std::string(says_of_key(section.name, setting.key, setting.value)));
      }
    }
  }

  static constexpr char kSlot = '\x01';  // in words; text is checked not to have it

  const Input& input_;
  std::vector<Section> sections_;
  Section* service_ = nullptr;
  Specifiers specifiers_;
  bool template_ = false;
  Draft draft_;
};

}  // namespace

base::Expected<Draft> from_systemd(const Input& input) {
  if (input.text.find('\x01') != std::string::npos)
    return base::fail(input.name + ": a control character in it");
  return UnitImporter(input).run();
}

}  // namespace gracevisor::migrate
