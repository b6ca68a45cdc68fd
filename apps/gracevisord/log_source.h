// What `gvctl logs` shows lines of: an app's output, its access log, or the daemon's own log; where its files
// are and what of it is kept in memory. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kept_lines.h"
#include "output/log_read.h"
#include "own_log.h"
#include "supervise/app_output.h"

namespace gracevisor::daemon {

class LogSource {
 public:
  using Place = supervise::AppOutput::Place;

  // The output of an app; `instances`: "43.1" or "43", empty for all.
  LogSource(std::string app, std::shared_ptr<supervise::AppOutput> output,
            std::vector<std::string> instances);
  // An access log of these apps; `others` have lines in it as well.
  LogSource(std::vector<std::string> apps, std::vector<std::string> others,
            const output::FilePolicy& access_log);
  explicit LogSource(std::shared_ptr<OwnLog> own);

  // As it is shown; empty for the daemon.
  [[nodiscard]] const std::string& called() const noexcept { return called_; }
  // Of an access log: "api and web", which have lines in it; empty: only what is called.
  [[nodiscard]] std::string sharers() const;
  // As it was asked for: "web", or "web@43.1, web@42".
  [[nodiscard]] std::string asked() const;
  [[nodiscard]] output::LogKind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::vector<Place>& places() const noexcept { return places_; }
  // The query with the instances that are wanted here.
  [[nodiscard]] output::LogQuery narrowed(output::LogQuery query) const;

  // The lines in memory that `query` asks for and whose streams go to `place`.
  [[nodiscard]] KeptLines kept(const output::LogQuery& query, const Place& place) const;
  // From when on memory has everything; unset: it keeps nothing of this.
  [[nodiscard]] std::optional<base::WallTime> complete_since() const;
  // Does memory have everything that `query` can ask for?
  [[nodiscard]] bool suffices(const output::LogQuery& query) const;
  // The key that gives lines of its files a time; empty: they have one.
  [[nodiscard]] std::string format_key() const;

  // Runs for each further line, which need not be asked for, and once when there will be no more. The result
  // ends that, and so does its destruction.
  using Following = std::shared_ptr<void>;
  using OnLine = std::function<void(const supervise::OutputLine&)>;
  [[nodiscard]] Following follow(OnLine on_line, std::function<void()> on_end) const;

  // Of an app that is gone, its name alone is left.
  void release() { output_.reset(); }

 private:
  std::string called_;
  output::LogKind kind_;
  std::vector<std::string> instances_;
  std::vector<Place> places_;
  std::vector<std::string> apps_;                 // whose access log it is
  std::vector<std::string> others_;               // that share it
  std::shared_ptr<supervise::AppOutput> output_;  // of an app's output alone
  std::shared_ptr<OwnLog> own_;                   // of the daemon's own log alone
};

}  // namespace gracevisor::daemon
