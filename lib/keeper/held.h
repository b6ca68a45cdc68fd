// What the keeper holds for the daemon: base::Holder over a link. Thread: the supervisor's.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/holder.h"
#include "keeper/link.h"

namespace gracevisor::keeper {

class Held final : public base::Holder {
 public:
  // `found`: what was listed. `failed` is told what could not be held, and why.
  Held(std::vector<ListedName> found,
       std::function<void(const std::string& name, const base::Error&)> failed);
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  // Orders go there; until then they wait.
  void connect(Link& link);

  void hold(const std::string& name, int fd) override;
  void release(const std::string& name) override;
  [[nodiscard]] base::UniqueFd take(const std::string& name) override;
  [[nodiscard]] bool left_to_others() const override { return left_; }
  void leave_to_others(bool left) { left_ = left; }

  // Was anything held when this process began?
  [[nodiscard]] bool found_any() const { return found_any_; }
  // What was found with a name that begins so and was not taken; it is taken, and released.
  [[nodiscard]] std::map<std::string, base::UniqueFd> take_rest(const std::string& prefix);

 private:
  void order_hold(const std::string& name, base::UniqueFd copy);

  std::map<std::string, base::UniqueFd> found_;
  bool found_any_ = false;
  std::set<std::string> names_;  // in use
  std::map<std::string, base::UniqueFd> waiting_;
  std::function<void(const std::string&, const base::Error&)> failed_;
  Link* link_ = nullptr;
  bool left_ = false;
};

}  // namespace gracevisor::keeper
