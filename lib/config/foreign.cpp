#include "config/foreign.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace gracevisor::config {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Of a table [app.NAME] and those below it; ours is relative to [app.NAME].
constexpr Pair kAppKeys[] = {
    {"args", "command"},
    {"autorestart", "restart.policy"},
    {"bind", "listen"},
    {"cmd", "command"},
    {"cwd", "directory"},
    {"domain", "route"},
    {"entrypoint", "command"},
    {"env", "environment"},
    {"env_file", "environment_file"},
    {"environmentfile", "environment_file"},
    {"error_file", "log.stderr"},
    {"exec", "command"},
    {"exec_mode", "instances"},
    {"execstart", "command"},
    {"healthcheck", "health"},
    {"host", "route"},
    {"interpreter", "command"},
    {"kill_timeout", "stop.timeout"},
    {"killsignal", "stop.signal"},
    {"max_restarts", "restart.max_failures"},
    {"min_uptime", "restart.stable_after"},
    {"numprocs", "instances"},
    {"out_file", "log.stdout"},
    {"port", "listen"},
    {"processes", "instances"},
    {"replicas", "instances"},
    {"restart_delay", "restart.backoff"},
    {"restartsec", "restart.backoff"},
    {"script", "command"},
    {"startretries", "restart.max_failures"},
    {"startsecs", "restart.stable_after"},
    {"stderr_logfile", "log.stderr"},
    {"stdout_logfile", "log.stdout"},
    {"stopsignal", "stop.signal"},
    {"stopwaitsecs", "stop.timeout"},
    {"timeoutstopsec", "stop.timeout"},
    {"workers", "instances"},
    {"workingdirectory", "directory"},
    {"working_dir", "directory"},
    {"workdir", "directory"},
};
constexpr Pair kListenKeys[] = {
    {"bind", "address"}, {"host", "address"}, {"listen", "address"}, {"port", "address"}};
constexpr std::pair<std::string_view, Foreign> kWords[] = {{"supervisord", Foreign::supervisord},
                                                           {"pm2", Foreign::pm2},
                                                           {"procfile", Foreign::procfile},
                                                           {"systemd", Foreign::systemd}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// "NAME: command"
bool is_process(std::string_view line) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || trimmed(line.substr(colon + 1)).empty()) return false;
  return std::ranges::all_of(line.substr(0, colon), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

bool starts_with_any(std::string_view line, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto beginning) { return line.starts_with(beginning); });
}

// One line's evidence, which one such line is enough for.
std::optional<Foreign> sign(std::string_view line) {
  if (starts_with_any(
          line, {"[program:", "[supervisord]", "[supervisorctl]", "[unix_http_server]", "[inet_http_server]",
                 "[group:", "[eventlistener:", "[fcgi-program:", "[rpcinterface:"})) {
    return Foreign::supervisord;
  }
  if (line == "[Service]" || line == "[Unit]" || line == "[Install]") return Foreign::systemd;
  if (starts_with_any(line, {"module.exports", "export default"})) return Foreign::pm2;
  return std::nullopt;
}

}  // namespace

std::optional<Foreign> foreign_content(std::string_view text) {
  bool all_processes = true;
  bool any = false;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = trimmed(line);
    if (line.empty() || line.starts_with('#') || line.starts_with(';') || line.starts_with("//")) continue;
    if (!any &&
        (line.starts_with('{') || (line.starts_with('[') && trimmed(line.substr(1)).starts_with('{')))) {
      return Foreign::pm2;
    }
    if (auto kind = sign(line)) return kind;
    any = true;
    all_processes = all_processes && is_process(line);
  }
  return any && all_processes ? std::optional(Foreign::procfile) : std::nullopt;
}

std::optional<Foreign> foreign_kind(std::string_view name, std::string_view text) {
  const std::string last = lower(name.substr(name.rfind('/') + 1));
  for (std::string_view ending : {".json", ".js", ".cjs", ".mjs"}) {
    if (last.ends_with(ending)) return Foreign::pm2;
  }
  if (last.ends_with(".service")) return Foreign::systemd;
  if (last.starts_with("procfile")) return Foreign::procfile;
  if (auto kind = foreign_content(text)) return kind;
  if (last.starts_with("supervisor") && (last.ends_with(".conf") || last.ends_with(".ini"))) {
    return Foreign::supervisord;
  }
  return std::nullopt;
}

std::string_view foreign_word(Foreign kind) {
  return std::ranges::find(kWords, kind, &std::pair<std::string_view, Foreign>::second)->first;
}

std::optional<Foreign> foreign_named(std::string_view word) {
  const auto* it = std::ranges::find(kWords, word, &std::pair<std::string_view, Foreign>::first);
  return it == std::end(kWords) ? std::nullopt : std::optional(it->second);
}

std::string_view foreign_text(Foreign kind) {
  switch (kind) {
    case Foreign::supervisord: return "a supervisord file";
    case Foreign::pm2: return "a PM2 file";
    case Foreign::procfile: return "a Procfile";
    case Foreign::systemd: return "a systemd unit";
  }
  return "?";
}

std::string our_key(std::string_view table, std::string_view theirs) {
  const std::string key = lower(theirs);
  auto look_up = [&](const auto& words, std::string_view in) {
    const auto* it = std::ranges::find(words, key, &Pair::first);
    return it == std::end(words) ? std::string() : std::string(in) + "." + std::string(it->second);
  };
  if (table.starts_with("app.")) return look_up(kAppKeys, table.substr(0, table.find('.', 4)));
  if (table.starts_with("listen.")) return look_up(kListenKeys, table);
  return {};
}

}  // namespace gracevisor::config
