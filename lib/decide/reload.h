// A reload's steps in their order. Pure. Thread: the supervisor's.
//
//   at once   settings that need no deploy
//   then      deploys, first starts and removals, a few at a time
//
// A route that goes from one app to another is served by the first until the second one, its heir, serves:
// whatever the first one's step, it keeps what is its heirs' (with_former_routes), and yields that in a
// second step once they are done. If one of them fails, or is busy, the route stays where it is. An app is
// removed once its heirs serve.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "decide/reload_plan.h"

namespace gracevisor::decide {

class Reload {
 public:
  static constexpr std::size_t kAtOnce = 4;  // deploys, starts and removals

  explicit Reload(std::vector<ReloadStep> steps);

  // Taken first, in one table, and done with that.
  [[nodiscard]] std::vector<ReloadStep> at_once();
  // The further steps to begin now. Each is under way until done().
  [[nodiscard]] std::vector<ReloadStep> next();
  void done(const std::string& app, base::ExitCode exit);
  // Every step is done, or will never begin.
  [[nodiscard]] bool over() const { return waiting_.empty() && under_way_.empty() && yields_.empty(); }
  // Steps that will never begin, since an heir does not serve; each once.
  [[nodiscard]] std::vector<ReloadStep> take_given_up() { return std::exchange(given_up_, {}); }

  // Once it is over. "1 deployed, 2 changed at once, 1 left alone"; empty: nothing differs.
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] base::ExitCode exit() const;

 private:
  enum class Fate : std::uint8_t { done, failed, given_up };
  [[nodiscard]] bool is_pending(const std::string& app) const;
  [[nodiscard]] bool is_done(const std::string& app) const;
  [[nodiscard]] bool heirs_serve(const ReloadStep& step) const;
  // An heir neither serves nor will.
  [[nodiscard]] bool is_hopeless(const ReloadStep& step) const;
  [[nodiscard]] bool holds_back(const std::string& app) const;
  [[nodiscard]] bool may_begin(const ReloadStep& step) const;
  // Its word in the summary; empty: it is not mentioned.
  [[nodiscard]] std::string_view outcome(const ReloadStep& step) const;

  std::vector<ReloadStep> steps_;  // of all apps
  std::vector<ReloadStep> waiting_;
  std::vector<ReloadStep> yields_;
  std::vector<ReloadStep> given_up_;
  std::map<std::string, ReloadStep> under_way_;  // by app
  std::map<std::string, Fate> fates_;            // by app, of those that had something to do
  std::vector<base::ExitCode> failures_;
};

}  // namespace gracevisor::decide
