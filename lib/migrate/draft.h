// What an importer makes of another supervisor's file, before it is printed: apps with keys of ours, and a
// remark for each line of theirs that has no counterpart. Commands and environments hold templates: a brace
// of theirs is doubled (as_template), so that only our placeholders are filled in. Thread: values, any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gracevisor::migrate {

using base::Millis;

// A line of theirs, as "FILE:LINE: KEY=VALUE" (empty: of no single line), and what to do about it here.
struct Remark {
  std::string theirs;
  std::string says;
};

// A key of ours in `table` ("" for the app's own, "log", "restart") with its value as TOML.
struct Entry {
  std::string table;
  std::string key;
  std::string value;
  bool example = false;  // printed as a comment, for the operator to complete
};

using Command = std::vector<std::string>;
using Environment = std::map<std::string, std::string, std::less<>>;

struct App {
  std::string name;
  std::vector<Remark> remarks;
  std::vector<Entry> entries;

  void remark(std::string theirs, std::string says);
  void set(std::string_view table, std::string_view key, std::string value);
  void set_text(std::string_view table, std::string_view key, std::string_view text);
  void set_number(std::string_view table, std::string_view key, std::uint64_t number);
  // What lies beyond `least` or a day is moved to that bound, with a remark that names `theirs`.
  void set_duration(std::string_view table, std::string_view key, Millis value, const std::string& theirs,
                    Millis least = Millis(0));
  void example(std::string_view table, std::string_view key, std::string value);
  void set_environment(const Environment& environment);
  // restart.success_exit_codes: `codes` are numbers between commas or blanks, and count beside `also`. What
  // else stands among them is named in a remark.
  void set_success(std::string_view codes, std::vector<int> also, const std::string& theirs);
};

// Thread: the one that imports.
class Draft {
 public:
  // No file of a sane installation has more; each costs memory here and processes there.
  static constexpr std::size_t kMostApps = 1000;

  std::vector<Remark> remarks;  // about no single app
  std::deque<App> apps;         // stays where it is when one is added
  std::size_t taken = 0;        // keys of theirs that have become keys of ours

  // An app under a name that is valid and free here; a remark tells if it differs from theirs.
  App& add_app(std::string_view name, const std::string& theirs);
  // False if another app has the log file already.
  [[nodiscard]] bool claim_log(const std::string& path) { return logs_.insert(path).second; }
  // The next port from `first` that no app listens on.
  [[nodiscard]] unsigned claim_free_port(unsigned first);
  // Those that apps listen on.
  [[nodiscard]] const std::set<unsigned>& ports() const { return ports_; }

  // The command, the environment and what these say of how clients reach the app: a known server's address,
  // or PORT. The address becomes `listen`, so that clients and proxies in front find it where it was. `more`:
  // the same command for further processes of theirs, which differ in the address alone.
  void set_program(App& app, const Command& command, Environment environment,
                   const std::vector<Command>& more = {});

 private:
  [[nodiscard]] bool reach_server(App& app, const Command& command, Environment& environment,
                                  const std::vector<Command>& more);
  [[nodiscard]] bool reach_port_variable(App& app, Environment& environment);
  // False, with a remark, if an app above listens on one of them.
  [[nodiscard]] bool claim_addresses(App& app, const std::vector<std::string>& addresses);

  std::set<std::string> names_;
  std::set<unsigned> ports_;
  std::set<std::string> sockets_;
  std::set<std::string> logs_;
};

// More than any value of a sane file, once what it refers to is filled in.
inline constexpr std::size_t kMostFilled = 1U << 20;

// `text` with its braces doubled.
[[nodiscard]] std::string as_template(std::string_view text);
[[nodiscard]] Command as_template(const std::vector<std::string>& words);

}  // namespace gracevisor::migrate
