// supervisord.conf: its sections, and the files that [include] names. A program is in supervisord_program.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "migrate/migrate.h"
#include "migrate/said.h"
#include "migrate/sections.h"
#include "migrate/supervisord_program.h"

namespace gracevisor::migrate {
namespace {

// Sections without a program; a name that ends in ":" stands for all that begin with it.
constexpr Said kSections[] = {
    {"unix_http_server",
     "gvctl uses /run/gracevisor/gracevisor.sock, for root and the group in daemon.operator_group"},
    {"inet_http_server", "there is no listener for commands on the network: gvctl on the host, by ssh"},
    {"supervisorctl", "gvctl finds the daemon by itself"},
    {"rpcinterface:", "the control API is HTTP and JSON on the Unix socket: see gracevisord(8)"},
    {"fcgi-program:",
     "not possible: the proxy speaks HTTP to apps, not FastCGI; keep it, or put an HTTP server before it"},
    {"eventlistener:", "nothing listens to events here; gvctl status --json says what runs"},
    {"ctlplugin:", "gvctl has no plug-ins"},
};

constexpr Said kDaemonKeys[] = {
    {"logfile", "[daemon.log] file; without it the log goes to standard error"},
    {"logfile_maxbytes", "[daemon.log] max_size"},
    {"logfile_backups", "[daemon.log] keep"},
    {"loglevel", "[daemon.log] level"},
    {"pidfile", "not needed: systemd, or the control socket, knows the daemon"},
    {"nodaemon", "gracevisord always stays in the foreground"},
    {"silent", "[daemon.log] file, and no reader of standard error"},
    {"minfds", "the daemon says at its start how many descriptors it needs: LimitNOFILE= of its unit"},
    {"minprocs", "LimitNPROC= of its unit"},
    {"user", "the daemon runs as who starts it; each app has its own user"},
    {"umask", "umask of each app"},
    {"childlogdir", "logs without a name are in log/ of daemon.state_dir"},
    {"directory", "paths here are relative to the folder of the configuration"},
    {"identifier", "no counterpart"},
    {"nocleanup", "no counterpart"},
    {"strip_ansi", "apps' output is kept byte for byte"},
};

class SupervisordImporter {
 public:
  explicit SupervisordImporter(const Input& input) : input_(input) {}

  base::Expected<Draft> run() {
    if (auto read = read_ini(input_.text, input_.name, sections_); !read)
      return std::unexpected(read.error());
    if (auto read = follow_includes(); !read) return std::unexpected(read.error());
    if (auto read = read_daemon(); !read) return std::unexpected(read.error());
    read_groups();
    for (Section& section : sections_) {
      if (!section.name.starts_with("program:")) continue;
      if (auto read = add_program(draft_, section, scope(section)); !read)
        return std::unexpected(read.error());
    }
    for (const Section& section : sections_) say_section(section);
    draft_.remarks.push_back(
        {"",
         "Where the file gives none, supervisord's defaults are stopwaitsecs = 10, startsecs = 1 "
         "and startretries = 3, and here stop.timeout = \"30s\", restart.stable_after = \"30s\" "
         "and restart.max_failures = 0, which never gives up."});
    if (draft_.apps.empty()) return base::fail(input_.name + ": no [program:NAME] in it" + missing_);
    return std::move(draft_);
  }

 private:
  [[nodiscard]] Scope scope(const Section& section) const {
    std::string name(trimmed(std::string_view(section.name).substr(section.name.find(':') + 1)));
    auto group = groups_.find(name);
    const bool first = section.file == input_.name;
    std::string here_of = first ? here() : std::filesystem::path(section.file).parent_path().string();
    return {name, group == groups_.end() ? name : group->second, here_of, &input_.host, environment_};
  }
  [[nodiscard]] std::string here() const { return input_.path.parent_path().string(); }

  // supervisord reads the included files as if they were more of the first; only that may have an [include].
  base::Expected<void> follow_includes() {
    Section* include = find_section(sections_, "include");
    const Setting* given = include == nullptr ? nullptr : include->take("files");
    if (given == nullptr) return {};
    const Setting files = *given;  // sections move when more are read
    const Scope all{"", "", here(), &input_.host, {}};
    auto patterns = expand(files.value, all.names(), files.text());
    if (!patterns) return std::unexpected(patterns.error());
    std::string_view rest = *patterns;
    while (!(rest = trimmed(rest)).empty()) {
      std::string pattern(rest.substr(0, rest.find_first_of(" \t\n")));
      rest.remove_prefix(pattern.size());
      if (auto read = follow((input_.path.parent_path() / pattern).string(), files); !read) return read;
    }
    ++draft_.taken;
    return {};
  }

  base::Expected<void> follow(const std::string& pattern, const Setting& at) {
    const std::string asked = at.text();
    auto found = input_.files.match(pattern);
    if (!found) return base::fail(fmt::format("{}: {}", asked, found.error().what));
    if (found->empty()) {
      const std::string missing = pattern + ": there is no such file";
      draft_.remarks.push_back({asked, missing});
      missing_ += "; " + missing;
    }
    for (const std::filesystem::path& path : *found) {
      auto text = input_.files.read(path);
      if (!text) return base::fail(fmt::format("{}: {}", asked, text.error().what));
      if (auto valid = check_text(*text, path.string()); !valid) return valid;
      if (auto read = read_ini(*text, path.string(), sections_); !read) return read;
    }
    return {};
  }

  // [supervisord] environment= is in the environment of every program.
  base::Expected<void> read_daemon() {
    Section* daemon = find_section(sections_, "supervisord");
    if (daemon == nullptr) return {};
    if (Setting* setting = daemon->take("environment")) {
      const Scope all{"", "", here(), &input_.host, {}};
      auto text = expand(setting->value, all.names(), setting->text());
      if (!text) return std::unexpected(text.error());
      auto read = read_pairs(*text, setting->text());
      if (!read) return std::unexpected(read.error());
      environment_ = std::move(*read);
      ++draft_.taken;
    }
    for (const Setting& setting : daemon->settings) {
      if (setting.taken) continue;
      const auto* known = std::ranges::find(kDaemonKeys, setting.key, &Said::key);
      draft_.remarks.push_back(
          {setting.text(), std::string(known == std::end(kDaemonKeys) ? "no counterpart" : known->says)});
    }
    return {};
  }

  void read_groups() {
    for (Section& section : sections_) {
      if (!section.name.starts_with("group:")) continue;
      std::string group(trimmed(std::string_view(section.name).substr(6)));
      std::vector<std::string> names;
      if (Setting* programs = section.take("programs")) {
        for (std::string_view rest = programs->value; !rest.empty();) {
          std::string_view name = rest.substr(0, rest.find(','));
          rest.remove_prefix(std::min(rest.size(), name.size() + 1));
          if (trimmed(name).empty()) continue;
          names.emplace_back(trimmed(name));
          groups_[names.back()] = group;
        }
      }
      draft_.remarks.push_back(
          {section.text(), fmt::format("no groups in this version; gvctl takes several apps: "
                                       "gvctl restart {}",
                                       fmt::join(names, " "))});
    }
  }

  void say_section(const Section& section) {
    const auto* known = std::ranges::find_if(kSections, [&](const Said& said) {
      return said.key.ends_with(':') ? section.name.starts_with(said.key) : section.name == said.key;
    });
    bool read = section.name == "supervisord" || section.name == "include" ||
                section.name.starts_with("program:") || section.name.starts_with("group:");
    if (read) return;
    draft_.remarks.push_back(
        {section.text(), std::string(known == std::end(kSections) ? "a section that supervisord does not use"
                                                                  : known->says)});
  }

  const Input& input_;
  std::vector<Section> sections_;
  std::map<std::string, std::string> groups_;  // by program
  Environment environment_;
  std::string missing_;  // patterns that found nothing
  Draft draft_;
};

}  // namespace

base::Expected<Draft> from_supervisord(const Input& input) {
  return SupervisordImporter(input).run();
}

}  // namespace gracevisor::migrate
