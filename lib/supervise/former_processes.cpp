#include "supervise/former_processes.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace gracevisor::supervise {
namespace {

using Process = inspect::ProcessTable::Entry;

class Judge {
 public:
  explicit Judge(const FormerQuestion& question) : question_(question), table_(question.table) {
    spare_own_line();
  }

  std::vector<FormerProcess> judge() {
    std::vector<FormerProcess> found;
    for (const Process& entry : table_.entries()) {
      if (!entry.lives() || spared_.contains(entry.pid)) continue;
      if (auto former = judge(entry)) add(found, std::move(*former));
    }
    add_descendants(found);
    return found;
  }

 private:
  // The daemon, its ancestors and its descendants; and what is kept.
  void spare_own_line() {
    spared_.insert(question_.self);
    if (const Process* self = table_.find(question_.self)) {
      for (const Process* above : table_.ancestors_of(*self)) above_.insert(above->pid);
    }
    above_.insert(question_.keeper);
    std::vector<pid_t> below(question_.kept.children.begin(), question_.kept.children.end());
    spared_.insert(below.begin(), below.end());
    below.push_back(question_.self);
    for (std::size_t i = 0; i < below.size(); ++i) {
      for (const Process* child : table_.children_of(below[i])) {
        if (spared_.insert(child->pid).second) below.push_back(child->pid);
      }
    }
    spared_.insert(above_.begin(), above_.end());
  }

  [[nodiscard]] const spec::RecordedProcess* recorded(const Process& entry) const {
    auto same = [&entry](const auto& process) { return entry.is(process.pid, process.started); };
    auto found = std::ranges::find_if(question_.record.processes, same);
    return found == question_.record.processes.end() ? nullptr : &*found;
  }
  // How the app's processes are stopped, as far as the record knows the app.
  [[nodiscard]] const spec::RecordedProcess* like(const inspect::ProcessMarks& marks,
                                                  const Process& entry) const {
    const spec::RecordedProcess* best = nullptr;
    for (const auto& process : question_.record.processes) {
      if (process.app != marks.app) continue;
      if (process.pid == entry.session) return &process;
      if (best == nullptr || process.instance == marks.instance) best = &process;
    }
    return best;
  }
  [[nodiscard]] bool in_recorded_session(const Process& entry) const {
    return std::ranges::any_of(question_.record.processes,
                               [&entry](const auto& process) { return process.pid == entry.session; });
  }

  // A process that has lost its parent is given to process 1 or to a subreaper: one above us, or a user's
  // systemd. A parent that carries our marks did not get it that way.
  [[nodiscard]] bool is_orphan(const Process& entry) const {
    if (entry.parent == 1) return true;
    const Process* parent = table_.find(entry.parent);
    if (parent == nullptr || (!above_.contains(parent->pid) && parent->name != "systemd")) return false;
    auto marks = question_.marks_of(parent->pid);
    return !marks || marks->state != question_.state_id;
  }

  [[nodiscard]] std::optional<FormerProcess> judge(const Process& entry) const {
    auto marks = question_.marks_of(entry.pid);
    bool ours = marks && marks->state == question_.state_id;
    if (ours) {
      const auto living = question_.kept.living.find({marks->app, marks->instance});
      if (living != question_.kept.living.end() && entry.started >= living->second) return std::nullopt;
    }
    FormerProcess former;
    former.entry = &entry;
    if (const spec::RecordedProcess* process = recorded(entry)) {
      former = {&entry, process->app, process->instance, true, true, process->stop, ""};
    } else if (ours) {
      former.app = marks->app;
      former.instance = marks->instance;
      const spec::RecordedProcess* model = like(*marks, entry);
      const auto configured = question_.configured.find(marks->app);
      if (model != nullptr) {
        former.stop = model->stop;
      } else if (configured != question_.configured.end()) {
        former.stop = configured->second;
      }
      bool leaves = former.stop.leftover == config::Stop::Leftover::leave;
      if (former.instance.empty()) {
        former.why = "it is no instance";
      } else if (leaves) {
        former.why = "stop.leftover = \"leave\"";
      } else if (in_recorded_session(entry) || is_orphan(entry)) {
        former.ended = true;
      } else {
        former.why = "its parent lives";
      }
    } else {
      return std::nullopt;
    }
    if (former.ended && table_.below_keeper(entry, question_.keeper)) {
      former.ended = former.main = false;
      former.why = "it is below another gracevisord";
    }
    return former;
  }

  void add(std::vector<FormerProcess>& found, FormerProcess former) {
    known_.emplace(former.entry->pid, found.size());
    found.push_back(std::move(former));
  }

  // Including those that carry no marks, or whose parent is alive and is ended with them.
  void add_descendants(std::vector<FormerProcess>& found) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i].ended || inspect::is_keeper(*found[i].entry)) continue;
      bool leaves = found[i].stop.leftover == config::Stop::Leftover::leave;
      inspect::ProcessTable::Members more;
      if (!leaves) more = table_.children_of(found[i].entry->pid);
      if (found[i].main) {
        auto group = table_.group_of(found[i].entry->pid);
        more.insert(more.end(), group.begin(), group.end());
        if (!leaves) group = table_.session_of(found[i].entry->pid);
        if (!leaves) more.insert(more.end(), group.begin(), group.end());
      }
      for (const Process* entry : more) take_along(found, i, *entry);
    }
  }

  void take_along(std::vector<FormerProcess>& found, std::size_t with, const Process& entry) {
    if (!entry.lives() || spared_.contains(entry.pid)) return;
    auto known = known_.find(entry.pid);
    if (known != known_.end() && found[known->second].ended) return;
    if (table_.below_keeper(entry, question_.keeper)) return;
    const FormerProcess& root = found[with];
    FormerProcess former{&entry, root.app, root.instance, false, true, root.stop, ""};
    if (known == known_.end()) {
      add(found, std::move(former));
    } else if (!found[known->second].instance.empty()) {
      // It is added again at the end, to be searched for descendants.
      found[known->second].entry = nullptr;
      known->second = found.size();
      found.push_back(std::move(former));
    }
  }

  const FormerQuestion& question_;
  const inspect::ProcessTable& table_;
  std::set<pid_t> spared_;
  std::set<pid_t> above_;
  std::map<pid_t, std::size_t> known_;
};

}  // namespace

std::vector<FormerProcess> judge_former(const FormerQuestion& question) {
  auto found = Judge(question).judge();
  std::erase_if(found, [](const FormerProcess& former) { return former.entry == nullptr; });
  return found;
}

}  // namespace gracevisor::supervise
