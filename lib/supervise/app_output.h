// What an app's instances write: the newest lines of each in memory for `gvctl logs` and for the report of a
// failure, every line on its way to the log file. Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loop/timer.h"
#include "output/writer.h"
#include "routing/endpoint.h"
#include "supervise/output_tail.h"

namespace gracevisor::supervise {

class AppOutput {
 public:
  using Follower = std::function<void(const OutputLine&)>;

  AppOutput(loop::Loop& loop, output::Writer& writer, const std::filesystem::path& state_dir,
            const config::App& config);
  AppOutput(const AppOutput&) = delete;
  AppOutput& operator=(const AppOutput&) = delete;
  ~AppOutput() = default;

  // The app's, as the writer keeps it (Writer::user), by whose rights its files may have to be opened; null,
  // as it is at first: the daemon's.
  void set_user(const spawn::Credentials* user) { out_.user = err_.user = user; }

  void take(const routing::Identity& who, OutputStream stream, std::string_view bytes);
  // A line of the daemon's own among the instance's: "[gracevisor] cannot start: …".
  void note(const routing::Identity& who, std::string_view text);
  // Ends unfinished lines: the process is gone.
  void flush(const routing::Identity& who);

  // The newest lines of one instance, without their time.
  [[nodiscard]] std::vector<std::string> last(const routing::Identity& who, std::size_t count) const;
  // The newest lines of all instances whose name ("43.1") `wanted` accepts, in the order of their time.
  [[nodiscard]] std::vector<OutputLine> last(const std::function<bool(const std::string&)>& wanted,
                                             std::size_t count) const;
  // Gets every further line until unfollow() with the number that is returned.
  [[nodiscard]] std::uint64_t follow(Follower follower);
  void unfollow(std::uint64_t number) { followers_.erase(number); }

 private:
  using Key = std::pair<base::GenerationId, base::Slot>;
  OutputTail& tail(const routing::Identity& who);
  void on_line(const OutputLine& line);
  void flush_all();

  output::Writer& writer_;
  output::FilePolicy out_;
  output::FilePolicy err_;
  std::map<Key, std::unique_ptr<OutputTail>> tails_;  // of the newest generations
  std::map<std::uint64_t, Follower> followers_;
  std::uint64_t last_follower_ = 0;
  loop::Timer idle_;  // an unfinished line is ended after a while
};

}  // namespace gracevisor::supervise
