#include "migrate/pm2_app.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "config/codecs.h"
#include "config/config.h"
#include "config/words.h"
#include "migrate/said.h"
#include "migrate/sections.h"
#include "migrate/shell.h"

namespace gracevisor::migrate {
namespace {

using nlohmann::json;

constexpr Said kPm2Keys[] = {
    {"cron", "no schedule in this version: a timer that runs gvctl restart APP"},
    {"cron_restart", "no schedule in this version: a timer that runs gvctl restart APP"},
    {"exec_mode",
     "each instance is a process with a port of its own, in PORT, and the proxy shares requests out: the "
     "app must listen on process.env.PORT; listen = \"ADDRESS\" in place of endpoint = \"none\" is where"},
    {"ignore_watch", "nothing is watched: gvctl deploy APP after a change"},
    {"increment_var", "use {slot}, the instance's number from 1, in environment"},
    {"instance_var", "use {slot}, the instance's number from 1, in environment"},
    {"listen_timeout", "deploy.timeout; an app is ready when its health check succeeds"},
    {"log", "log.stdout has both streams unless log.stderr names a file"},
    {"log_date_format", "the app's output is kept byte for byte"},
    {"log_file", "log.stdout has both streams unless log.stderr names a file"},
    {"log_type", "the app's output is kept byte for byte"},
    {"max_memory_restart", "no limit of memory in this version"},
    {"combine_logs", "the instances of an app share its log"},
    {"merge_logs", "the instances of an app share its log"},
    {"namespace", "no groups in this version; gvctl takes several apps"},
    {"pid", "gvctl status has the pids"},
    {"pid_file", "gvctl status has the pids"},
    {"port", "PM2 itself does not listen: the app's port is in env.PORT, or in its own files"},
    {"post_update", "other tools put files into directory; then gvctl deploy APP"},
    {"shutdown_with_message", "the app gets stop.signal"},
    {"stop_exit_codes", R"(restart.policy = "on-failure" leaves a process that ends with status 0 ended)"},
    {"time", "the app's output is kept byte for byte"},
    {"wait_ready", "an app is ready when its health check succeeds"},
    {"watch", "nothing is watched: gvctl deploy APP after a change"},
    {"watch_delay", "nothing is watched: gvctl deploy APP after a change"},
};
// Without meaning here, and not worth a word unless they say more than the default.
constexpr std::string_view kDefaults[] = {"watch", "time",  "wait_ready", "shutdown_with_message",
                                          "force", "vizion"};

std::string_view says(std::string_view key) {
  const auto* known = std::ranges::find(kPm2Keys, key, &Said::key);
  if (known != std::end(kPm2Keys)) return known->says;
  return "no counterpart";
}

std::optional<std::string> scalar(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  if (value.is_null()) return std::string();
  return std::nullopt;
}

// "5", "5s", "2m", "1h": milliseconds without a unit.
std::optional<Millis> period(const json& value) {
  auto text = scalar(value);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  std::string_view unit(end, text->data() + text->size());
  std::int64_t factor = unit.empty() || unit == "ms" ? 1
                        : unit == "s"                ? 1000
                        : unit == "m"                ? 60'000
                        : unit == "h"                ? 3'600'000
                                                     : 0;
  if (factor == 0) return std::nullopt;
  return Millis(std::min<std::int64_t>(number, config::kDay.count() * 2) * factor);
}

std::string interpreter_of(const std::string& script) {
  constexpr std::pair<std::string_view, std::string_view> kByEnding[] = {
      {".js", "node"}, {".cjs", "node"}, {".mjs", "node"}, {".py", "python3"}, {".rb", "ruby"},
      {".sh", "bash"}, {".php", "php"},  {".pl", "perl"},  {".ts", "bun"},     {".tsx", "bun"}};
  std::string ending = std::filesystem::path(script).extension().string();
  for (const auto& [known, interpreter] : kByEnding) {
    if (ending == known) return std::string(interpreter);
  }
  return {};
}

class Pm2Importer {
 public:
  Pm2Importer(Draft& draft, const json& theirs, const Input& input, const std::string& where)
      : draft_(draft), theirs_(theirs), input_(input), where_(where) {}

  base::Expected<void> run() {
    const json* script = take({"script", "cmd", "command"});
    if (script == nullptr || !script->is_string() || script->get<std::string>().empty()) {
      return base::fail(where_ + ": an app needs a script");
    }
    const json* name = take({"name"});
    auto name_text = name == nullptr ? std::nullopt : scalar(*name);
    App& app =
        draft_.add_app(name_text.value_or(std::filesystem::path(script->get<std::string>()).stem().string()),
                       where_ + (name == nullptr ? "" : "." + key_value("name", *name)));
    set_directory(app);
    Environment environment = read_environment(app);
    auto command = read_command(app, script->get<std::string>(), environment);
    if (!command) return std::unexpected(command.error());
    draft_.set_program(app, *command, std::move(environment));
    set_user(app);
    set_instances(app);
    set_restart(app);
    set_stop(app);
    set_log(app, "stdout", {"out_file", "output", "out", "out_log"});
    set_log(app, "stderr", {"error_file", "error", "err", "err_file", "err_log"});
    say_rest(app);
    return {};
  }

 private:
  // The first of these keys that is there; all of them count as read.
  const json* take(std::initializer_list<std::string_view> keys) {
    const json* found = nullptr;
    for (std::string_view key : keys) {
      auto it = theirs_.find(std::string(key));
      if (it == theirs_.end()) continue;
      if (found == nullptr) {
        found = &*it;
        key_ = key;
        ++draft_.taken;
      }
      read_.insert(std::string(key));
    }
    return found;
  }
  // Of the key taken last.
  [[nodiscard]] std::string text(const json& value) const { return where_ + "." + key_value(key_, value); }

  void set_directory(App& app) {
    directory_ = input_.path.parent_path();
    if (const json* cwd = take({"cwd"}); cwd != nullptr && cwd->is_string()) {
      directory_ = (directory_ / cwd->get<std::string>()).lexically_normal();
    }
    app.set_text("", "directory", directory_.string());
  }

  Environment read_environment(App& app) {
    Environment environment;
    const json* env = take({"env"});
    if (env == nullptr || env->is_null()) return environment;
    if (!env->is_object()) {
      app.remark(text(*env), "expected an object of variables");
      return environment;
    }
    for (const auto& [name, value] : env->items()) {
      auto value_text = scalar(value);
      bool valid = !name.empty() && name.find_first_of("= \t\n") == std::string::npos;
      if (!value_text || !valid || value_text->find('\0') != std::string::npos) {
        app.remark(where_ + ".env." + key_value(name, value), "no variable: expected a name and a string");
        continue;
      }
      environment.insert_or_assign(name, as_template(*value_text));
    }
    return environment;
  }

  base::Expected<Command> read_command(App& app, const std::string& script, Environment& environment) {
    // PM2 gives a script with spaces to bash.
    if (script.find(' ') != std::string::npos) {
      auto line = read_shell_command(script);
      if (!line) return base::fail(where_ + ".script: " + line.error().what);
      if (const json* args = take({"args"}); args != nullptr && !scalar(*args).value_or("-").empty()) {
        app.remark(text(*args), "PM2 leaves args out where the script has spaces");
      }
      if (!line->shell_for.empty()) app.remark(where_ + "." + key_value("script", script), "needs a shell");
      for (auto& [name, value] : line->environment) environment.insert_or_assign(name, value);
      return line->words;
    }
    Command command;
    const json* given = take({"exec_interpreter", "interpreter"});
    std::string interpreter =
        given != nullptr && given->is_string() ? given->get<std::string>() : interpreter_of(script);
    if (interpreter == "none") interpreter.clear();
    if (!interpreter.empty()) command.push_back(as_template(interpreter));
    if (const json* args = take({"interpreter_args", "node_args"})) add_words(app, command, *args);
    command.push_back(as_template(interpreter.empty() ? program(script) : script));
    if (const json* args = take({"args"})) add_words(app, command, *args);
    return command;
  }

  // A file in the app's directory comes before one in PATH.
  [[nodiscard]] std::string program(const std::string& script) const {
    if (script.find_first_of("/*?[\\") != std::string::npos) return script;
    auto found = input_.files.match((directory_ / script).string());
    return found && !found->empty() ? "./" + script : script;
  }

  void add_words(App& app, Command& command, const json& args) {
    if (args.is_array()) {
      for (const json& arg : args) {
        auto word = scalar(arg);
        if (word) command.push_back(as_template(*word));
        if (!word) app.remark(text(args), "an argument that is no string is left out");
      }
      return;
    }
    auto line = scalar(args);
    auto read = line ? config::read_words(*line) : base::fail("expected a string or a list of strings");
    if (!read) return app.remark(text(args), read.error().what);
    for (const std::string& word : read->words) command.push_back(as_template(word));
  }

  void set_user(App& app) {
    const json* user = take({"user", "uid"});
    auto name = user == nullptr ? std::nullopt : scalar(*user);
    const std::string user_text = user == nullptr ? "" : text(*user);
    const json* gid = take({"gid"});
    auto group = gid == nullptr ? std::nullopt : scalar(*gid);
    if (group && !name) return app.remark(text(*gid), "a group needs a user: user = \"NAME:GROUP\"");
    if (name && name->empty()) return app.remark(user_text, "no user");
    if (name) app.set_text("", "user", *name + (group && !group->empty() ? ":" + *group : ""));
  }

  void set_instances(App& app) {
    const json* given = take({"instances"});
    const json* mode = take({"exec_mode"});
    const bool cluster =
        mode != nullptr && mode->is_string() && mode->get<std::string>().starts_with("cluster");
    if (cluster) app.remark(text(*mode), std::string(says("exec_mode")));
    if (given == nullptr) return;
    key_ = "instances";
    const std::int64_t cpus = input_.host.cpus;
    auto word = scalar(*given).value_or("");
    std::int64_t count = 0;
    bool number =
        std::from_chars(word.data(), word.data() + word.size(), count).ptr == word.data() + word.size();
    if (word == "max" || (number && count <= 0)) {
      count = std::max<std::int64_t>(1, cpus + (number ? std::max<std::int64_t>(count, -1000) : 0));
      app.remark(text(*given), fmt::format("the CPUs of this machine, of which there are {}", cpus));
    } else if (!number || count > config::kMostInstances) {
      return app.remark(text(*given), fmt::format("expected a number from 1 to {}", config::kMostInstances));
    }
    if (count > 1)
      app.set_number("", "instances",
                     static_cast<std::uint64_t>(std::min<std::int64_t>(count, config::kMostInstances)));
  }

  void set_restart(App& app) {
    if (const json* on = take({"autorestart"}); on != nullptr && on->is_boolean() && !on->get<bool>()) {
      app.set_text("restart", "policy", "never");
    }
    set_number(app, "restart", "max_failures", {"max_restarts"}, 1'000'000);
    set_period(app, "restart", "stable_after", {"min_uptime"}, Millis(0));
    if (const json* delay = take({"restart_delay"})) {
      auto pause = period(*delay);
      if (!pause) return app.remark(text(*delay), "expected milliseconds");
      if (pause->count() == 0) return;
      app.set_duration("restart", "backoff", *pause, text(*delay), Millis(10));
      app.set_duration("restart", "backoff_max", *pause, "", Millis(10));  // PM2's pause stays the same
    } else {
      set_period(app, "restart", "backoff", {"exp_backoff_restart_delay"}, Millis(10));
      raise_longest_pause(app);
    }
  }

  // A first pause may not be longer than the longest.
  static void raise_longest_pause(App& app) {
    auto it = std::ranges::find_if(app.entries,
                                   [](const Entry& e) { return e.table == "restart" && e.key == "backoff"; });
    if (it == app.entries.end()) return;
    auto pause = config::parse_duration(it->value.substr(1, it->value.size() - 2));
    if (pause && *pause > config::Restart().backoff_max)
      app.set("restart", "backoff_max", std::string(it->value));
  }

  void set_stop(App& app) {
    app.set_text("stop", "signal", "INT");  // as PM2 does
    set_period(app, "stop", "timeout", {"kill_timeout"}, Millis(0));
    if (const json* tree = take({"treekill"}); tree != nullptr && tree->is_boolean() && !tree->get<bool>()) {
      app.set_text("stop", "scope", "main");
    }
  }

  void set_period(App& app, std::string_view table, std::string_view key,
                  std::initializer_list<std::string_view> names, Millis least) {
    const json* value = take(names);
    if (value == nullptr) return;
    if (auto read = period(*value)) return app.set_duration(table, key, *read, text(*value), least);
    app.remark(text(*value), fmt::format("expected milliseconds, for {}.{}", table, key));
  }

  void set_number(App& app, std::string_view table, std::string_view key,
                  std::initializer_list<std::string_view> names, std::int64_t most) {
    const json* value = take(names);
    if (value == nullptr) return;
    auto word = scalar(*value).value_or("");
    std::int64_t number = -1;
    bool whole =
        std::from_chars(word.data(), word.data() + word.size(), number).ptr == word.data() + word.size();
    if (!whole || number < 0)
      return app.remark(text(*value), fmt::format("expected a number, for {}.{}", table, key));
    app.set_number(table, key, static_cast<std::uint64_t>(std::min(number, most)));
  }

  void set_log(App& app, std::string_view key, std::initializer_list<std::string_view> names) {
    const json* value = take(names);
    if (value == nullptr) return;
    if (value->is_null()) return;
    auto name = scalar(*value);
    if (!name || name->empty()) return app.remark(text(*value), "expected a file's path");
    if (*name == "/dev/null" || *name == "NULL") return app.set_text("log", key, "/dev/null");
    if (name->starts_with("~")) return app.remark(text(*value), "write the whole path");
    std::string path = (directory_ / *name).lexically_normal().string();
    if (draft_.claim_log(path)) return app.set_text("log", key, path);
    const Entry* out = nullptr;
    for (const Entry& entry : app.entries) {
      if (entry.table == "log" && entry.key == "stdout") out = &entry;
    }
    if (key == "stderr" && out != nullptr && out->value == config::quote(path))
      return;  // merged, as ours are
    app.remark(text(*value), "a file has one writer, and another one above has this file");
  }

  void say_rest(App& app) {
    for (const auto& [key, value] : theirs_.items()) {
      if (read_.contains(key)) continue;
      bool off = value.is_boolean() && !value.get<bool>() &&
                 std::ranges::find(kDefaults, key) != std::end(kDefaults);
      if (off) continue;
      if (key.starts_with("env_")) {
        app.remark(
            where_ + "." + key_value(key, value),
            fmt::format("what --env {} adds to env: copy what this host needs into environment, and a PORT "
                        "as listen",
                        key.substr(4)));
      } else {
        app.remark(where_ + "." + key_value(key, value), std::string(says(key)));
      }
    }
  }

  Draft& draft_;
  const json& theirs_;
  const Input& input_;
  const std::string& where_;
  std::filesystem::path directory_;
  std::string_view key_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace

base::Expected<void> add_pm2_app(Draft& draft, const json& theirs, const Input& input,
                                 const std::string& where) {
  return Pm2Importer(draft, theirs, input, where).run();
}

std::string key_value(std::string_view key, const json& value) {
  return shortened(fmt::format("{}={}", key, value.is_string() ? value.get<std::string>() : value.dump()));
}

}  // namespace gracevisor::migrate
