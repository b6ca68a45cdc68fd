// What an app's instances write: the newest lines of each are kept in memory, for `gvctl logs` and for the
// report of a failure, and every byte goes on to the log file. It keeps the instances of every generation
// that is alive and of the newest five that are not. Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loop/timer.h"
#include "output/writer.h"
#include "routing/endpoint.h"
#include "supervise/output_feed.h"
#include "supervise/output_tail.h"

namespace gracevisor::supervise {

class AppOutput {
 public:
  using Follower = std::function<void(const OutputLine&)>;
  // Is anything of the generation left that may write?
  using Alive = std::function<bool(base::GenerationId)>;
  static constexpr std::size_t kDeadKept = 5;

  AppOutput(loop::Loop& loop, output::Writer& writer, const std::filesystem::path& state_dir,
            const config::App& config, Alive alive);
  AppOutput(const AppOutput&) = delete;
  AppOutput& operator=(const AppOutput&) = delete;
  ~AppOutput() = default;

  // The app's user, as the writer keeps it (Writer::user), with whose rights the files of later incarnations
  // may have to be opened; null, as at first: the daemon's.
  void set_user(const spawn::Credentials* user) { user_ = user; }

  // An incarnation is about to be started; from now on the destination of its output is fixed.
  void begin(const routing::Identity& who, const config::AppLog& log);
  // May more of it be read? False until the writer has room.
  [[nodiscard]] bool takes(const routing::Identity& who, process::OutputStream stream);
  void take(const routing::Identity& who, process::OutputStream stream, std::string_view bytes);
  // A line of the daemon among the instance's: "[gracevisor] cannot start: …".
  void note(const routing::Identity& who, std::string_view text);
  // Ends unfinished lines: the process is gone.
  void flush(const routing::Identity& who);
  // Nothing more will come of it.
  void end(const routing::Identity& who);

  // The newest lines of one instance, without their time.
  [[nodiscard]] std::vector<std::string> last(const routing::Identity& who, std::size_t count) const;
  // The newest lines of all instances whose name ("43.1") `wanted` accepts, ordered by time.
  [[nodiscard]] std::vector<OutputLine> last(const std::function<bool(const std::string&)>& wanted,
                                             std::size_t count) const;
  // Forgets what has been dead too long; otherwise that happens when the next instance begins to write.
  void tidy() { forget_long_dead({}); }
  // Is anything of this generation, or of this slot of it, kept here?
  [[nodiscard]] bool keeps(base::GenerationId generation, std::optional<base::Slot> slot) const;
  // Those of which anything is kept, oldest first.
  [[nodiscard]] std::vector<base::GenerationId> generations() const;
  // `follower` gets every further line until unfollow() with the returned number.
  [[nodiscard]] std::uint64_t follow(Follower follower);
  void unfollow(std::uint64_t number) { followers_.erase(number); }

 private:
  using Key = std::pair<base::GenerationId, base::Slot>;
  // Where an incarnation's streams go.
  struct Feeds {
    output::FilePolicy out_policy;
    output::FilePolicy err_policy;
    OutputFeed out;
    OutputFeed err;
  };
  OutputTail& tail(const routing::Identity& who);
  void forget_long_dead(base::GenerationId writing);
  Feeds& feeds(const routing::Identity& who);
  [[nodiscard]] output::FilePolicy policy(const std::string& path, const config::AppLog& log) const;
  void on_line(const OutputLine& line);
  void flush_all();

  output::Writer& writer_;
  std::filesystem::path default_file_;
  config::AppLog log_;  // of the newest incarnation
  const spawn::Credentials* user_ = nullptr;
  Alive alive_;
  std::size_t held_ = 0;
  std::map<routing::Identity, std::unique_ptr<Feeds>> feeds_;  // of those that may still write
  std::map<Key, std::unique_ptr<OutputTail>> tails_;
  std::map<std::uint64_t, Follower> followers_;
  std::uint64_t last_follower_ = 0;
  loop::Timer idle_;  // an unfinished line is ended after a while
};

}  // namespace gracevisor::supervise
