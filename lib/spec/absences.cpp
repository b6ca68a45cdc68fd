#include "spec/absences.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/accounts.h"
#include "base/safe_path.h"
#include "config/log_target.h"
#include "config/socket_path.h"
#include "spec/credentials.h"
#include "spec/environment_file.h"
#include "spec/obstacle.h"
#include "spec/placeholders.h"
#include "spec/rights.h"
#include "spec/surroundings.h"

namespace gracevisor::spec {
namespace {

using config::Diagnostic;
using config::Loaded;
using config::Source;
using std::filesystem::path;

std::string hidden(const std::string& what) {
  return fmt::format("{} cannot be looked at as uid {}", what, ::geteuid());
}

bool is_file(const std::string& log) {
  constexpr std::array<std::string_view, 6> kOther = {
      "", "inherit", "stdout", "/dev/stdout", "/dev/stderr", "/dev/null"};
  return std::find(kOther.begin(), kOther.end(), log) == kOther.end();
}

bool is_below(const path& inner, const path& outer) {
  const path relative = inner.lexically_relative(outer);
  return !relative.empty() && *relative.begin() != "..";
}

class Host {
 public:
  Host(const Loaded& loaded, const FileReader& reader)
      : loaded_(loaded),
        reader_(reader),
        inherited_(inherited_environment()),
        trust_(base::daemon_trust(loaded.config.owner)) {}

  std::vector<Diagnostic> look() && {
    look_at_daemon();
    for (const config::Listener& listener : loaded_.config.listeners) look_at_listener(listener);
    for (const config::App& app : loaded_.config.apps) look_at_app(app);
    return std::move(found_);
  }

 private:
  // `places`: the keys of which the first that is written says where. In a check as root nothing is hidden
  // but what only an app's user may open.
  void say(std::string_view key, const std::string& text, const Source& otherwise) {
    const Source* place = loaded_.config.places.find_key(key);
    const std::string_view name = key.substr(0, key.find('['));
    found_.push_back({place != nullptr ? *place : otherwise, fmt::format("{}: {}", name, text)});
  }

  // What is wrong with `what`, unless this user is just not to see it.
  static std::string cause(const std::string& what, const base::Error& error) {
    if (error.code != EACCES) return error.what;
    return ::geteuid() == 0 ? std::string() : hidden(what);
  }

  void look_at_daemon() {
    const config::Daemon& daemon = loaded_.config.daemon;
    const Source nowhere{loaded_.config.files.empty() ? "" : loaded_.config.files.front().string(), 1, 1};
    look_for_room("daemon.runtime_dir", daemon.runtime_dir / "x", std::nullopt, nowhere);
    look_for_room("daemon.state_dir", daemon.state_dir / "x", std::nullopt, nowhere);
    const std::string log_key = "daemon.log.file";
    if (const auto sink = config::log_sink(daemon.log.file)) {
      if (sink->is_path()) look_for_socket(log_key, sink->where, nowhere);
    } else if (is_file(daemon.log.file)) {
      look_for_room(log_key, daemon.log.file, std::nullopt, nowhere);
    }
    // Its default need not exist.
    if (loaded_.config.places.find("daemon.operator_group") == nullptr || daemon.operator_group.empty())
      return;
    if (auto group = find_group(daemon.operator_group); !group) {
      say("daemon.operator_group", group.error().what, nowhere);
    }
  }

  void look_at_listener(const config::Listener& listener) {
    const std::string key = "listen." + listener.name;
    if (is_file(listener.access_log)) {
      look_for_room(key + ".access_log", listener.access_log, std::nullopt, listener.source);
    }
    for (const base::Address& address : listener.addresses) {
      if (!address.is_unix()) continue;
      const path folder = path(address.text().substr(std::string_view("unix:").size())).parent_path();
      if (is_below(folder, loaded_.config.daemon.runtime_dir)) continue;  // the daemon makes that
      struct stat st{};
      if (::stat(folder.c_str(), &st) == 0) continue;
      const base::Error error = base::system_error(folder.string(), errno);
      const bool own = listener.name.find(':') != std::string::npos;
      if (const std::string text = cause(folder.string(), error); !text.empty()) {
        say(own ? "listen" : key + ".address", text, listener.source);
      }
    }
  }

  void look_at_app(const config::App& app) {
    const std::string key = "app." + app.name;
    Spec spec;
    spec.app = app;
    spec.directory = app.directory;
    spec.environment = inherited_;
    auto directory = resolve_directory(app);
    if (directory) {
      spec.directory = std::move(*directory);
    } else if (const std::string text = cause(app.directory.string(), directory.error()); !text.empty()) {
      say(key + ".directory", text, app.source);
    }
    if (!app.user.empty()) look_for_user(key, spec);
    look_for_rights(key, spec);
    const bool read_all = read_variables(key, spec);
    for (const auto& [name, value] : app.environment) spec.environment.insert_or_assign(name, value);
    const std::string& program = app.command.front();
    const bool is_name = program.find('/') == std::string::npos;
    const bool path_known = read_all || app.environment.contains("PATH");
    const bool can_look = is_name ? path_known : directory.has_value() || program.starts_with('/');
    if (can_look && !varies(spec, program)) look_for_program(key, spec);
    for (const auto& [name, log] :
         {std::pair("stdout", &app.log.out), {"stderr", &app.log.err}, {"access", &app.log.access}}) {
      const std::string log_key = fmt::format("{}.log.{}", key, name);
      if (const auto sink = config::log_sink(*log)) {
        if (sink->is_path()) look_for_socket(log_key, sink->where, app.source);
      } else if (is_file(*log)) {
        look_for_room(log_key, *log, spec.credentials, app.source);
      }
    }
  }

  void look_for_user(const std::string& key, Spec& spec) {
    auto who = find_account(spec.app.user);
    if (who) {
      spec.credentials = std::move(*who);
    } else {
      say(key + ".user", who.error().what, spec.app.source);
    }
  }

  void look_for_rights(const std::string& key, const Spec& spec) {
    if (spec.app.supplementary_groups) {
      if (auto groups = look_up_groups(*spec.app.supplementary_groups); !groups)
        say(key + ".supplementary_groups", groups.error().what, spec.app.source);
    }
    SpawnPlan wanted = common_plan(spec);
    const std::string& program = spec.app.command.front();
    if (program.starts_with('/') && !varies(spec, program)) wanted.program = program;
    auto refused = refusals(wanted, rights_);
    if (spec.app.endpoint == config::EndpointKind::socket) {
      const auto folder = config::sockets_folder(loaded_.config.daemon.runtime_dir);
      if (auto socket = socket_refusal(wanted, folder.string())) refused.push_back(std::move(*socket));
    }
    for (const Refusal& refusal : refused) {
      say(fmt::format("{}.{}", key, refusal.key), refusal.why, spec.app.source);
    }
  }

  // Returns whether all variables are known.
  bool read_variables(const std::string& key, Spec& spec) {
    bool all = true;
    std::vector<std::string> hints;  // told at a deploy
    for (std::size_t i = 0; i < spec.app.environment_file.size(); ++i) {
      const config::EnvironmentFile& file = spec.app.environment_file[i];
      auto read =
          read_environment_file(file.path, file.optional, spec.environment, hints, reader_, spec.credentials);
      if (read) continue;
      all = false;
      std::string text = cause(file.path.string(), read.error());
      if (text.empty()) continue;
      if (read.error().code == ENOENT) text += " (with \"?\" in front of its name it may be missing)";
      std::string place = fmt::format("{}.environment_file[{}]", key, i);
      if (loaded_.config.places.find(place) == nullptr) place = key + ".environment_file";
      say(place, text, spec.app.source);
    }
    return all;
  }

  void look_for_program(const std::string& key, const Spec& spec) {
    const std::string command = key + ".command";
    const auto found = plan(spec, sample_placement(spec));
    std::string text;
    if (!found) {
      text = cause(fmt::format("{}: {}", command, spec.app.command.front()), found.error());
    } else if (spec.credentials) {
      const std::string why = why_not_executed(RealDisk(), *spec.credentials, found->program, 0);
      if (!why.empty()) text = fmt::format("{}: {}", command, why);
    }
    if (text.empty()) return;
    const Source* place = loaded_.config.places.find(command);
    found_.push_back({place != nullptr ? *place : spec.app.source, text});
  }

  // Could a file be made or written at `file`? Missing folders would be made. Each folder is mentioned once.
  void look_for_room(const std::string& key, const path& file, const std::optional<Credentials>& user,
                     const Source& otherwise) {
    base::PathRules rules;
    rules.trust = trust_;
    if (user && user->uid != 0 && user->uid != ::geteuid()) rules.app = base::AppUser{user->uid, user->gid};
    struct stat st{};
    std::string text;
    if (const auto place = base::find_place(file, rules); !place && place.error().refused) {
      text = place.error().error.what;
    } else if (::stat(file.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) {
      text = file.string() + " is a directory";
    } else if (!place || !place->app_writes) {  // else that user's rights count
      text = why_no_room(file);
    }
    if (!text.empty() && mentioned_.insert(text).second) say(key, text, otherwise);
  }

  // Lines for it would wait, and then be dropped.
  void look_for_socket(const std::string& key, const std::string& socket, const Source& otherwise) {
    base::PathRules rules;
    rules.trust = trust_;
    rules.follow_last = true;
    struct stat st{};
    std::string text;
    if (const auto place = base::find_place(socket, rules); !place && place.error().refused) {
      text = place.error().error.what;
    } else if (::stat(socket.c_str(), &st) != 0) {
      text = cause(socket, base::system_error(socket, errno));
    } else if (!S_ISSOCK(st.st_mode)) {
      text = socket + " is no socket";
    }
    if (!text.empty() && mentioned_.insert(text).second) say(key, text, otherwise);
  }

  static std::string why_no_room(path file) {
    const path asked = file;
    struct stat st{};
    while (::stat(file.c_str(), &st) != 0) {
      if (errno == EACCES) return hidden(file.string());
      const bool above = (errno == ENOENT || errno == ENOTDIR) && file.has_relative_path();
      if (!above) return base::system_error(file.string(), errno).what;
      file = file.parent_path();
    }
    if (file != asked && !S_ISDIR(st.st_mode)) return file.string() + " is not a directory";
    if (::faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) == 0) return {};
    if (errno == EACCES) return fmt::format("{} cannot be written as uid {}", file.string(), ::geteuid());
    return base::system_error(file.string() + " cannot be written", errno).what;
  }

  const Loaded& loaded_;
  const FileReader& reader_;
  const std::map<std::string, std::string> inherited_;
  const base::PathTrust trust_;
  const RightsToGive rights_ = own_rights_to_give();
  std::set<std::string> mentioned_;
  std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> absences(const Loaded& loaded, const FileReader& reader) {
  return Host(loaded, reader).look();
}

}  // namespace gracevisor::spec
