// What an app's instances write: the newest lines of each are kept in memory, for `gvctl logs` and for the
// report of a failure, and every byte goes on to the log file, as it is or as records that say when and by
// whom (output/log_line.h). Lines are kept for the instances of every
// generation that is alive, and of the newest five that are not. Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loop/timer.h"
#include "output/log_line.h"
#include "output/writer.h"
#include "process/surroundings.h"
#include "routing/endpoint.h"
#include "supervise/output_feed.h"
#include "supervise/output_tail.h"

namespace gracevisor::supervise {

class AppOutput {
 public:
  struct Follower {
    std::function<void(const OutputLine&)> line;
    std::function<void()> end = [] {};  // there will be no more
  };
  // Is anything left of the generation that may still write?
  using Alive = std::function<bool(base::GenerationId)>;
  static constexpr std::size_t kDeadKept = 5;

  AppOutput(loop::Loop& loop, output::Writer& writer, const std::filesystem::path& state_dir,
            const config::App& config, Alive alive);
  AppOutput(const AppOutput&) = delete;
  AppOutput& operator=(const AppOutput&) = delete;
  ~AppOutput();

  // The app's user, as the writer keeps it (Writer::user): the files of later incarnations may have to be
  // opened with this user's rights. Null, the initial value: the daemon's.
  void set_user(const spawn::Credentials* user) {
    user_ = user;
    tell_writer();
  }

  // An incarnation is about to be started; from now on the destination of its output is fixed.
  void begin(const routing::Identity& who, const config::AppLog& log);
  // The log's settings have changed for a generation that runs: what comes next goes where they say.
  void adjust(base::GenerationId generation, const config::AppLog& log);
  // May more of its output be read? False until the writer has room.
  [[nodiscard]] bool takes(const routing::Identity& who, process::OutputStream stream);
  void take(const routing::Identity& who, process::OutputStream stream, std::string_view bytes);
  // While two daemons live, one of them reads. A pause lasts until go_on().
  void pause() noexcept { paused_ = true; }
  void go_on() noexcept { paused_ = false; }
  // The line that has begun in this stream, for whoever reads on.
  struct Unfinished {
    std::string line = {};  // what has not been passed on of it
    bool goes_on = false;   // its beginning is what a plain file ends with
  };
  [[nodiscard]] Unfinished take_unfinished(const routing::Identity& who, process::OutputStream stream);
  // What another daemon took in this way, before anything else is taken.
  void take_on(const routing::Identity& who, process::OutputStream stream, const Unfinished& rest);
  // Adds a line from the daemon to the instance's output: "[gracevisor] cannot start: …".
  void note(const routing::Identity& who, std::string_view text);
  // Ends unfinished lines: the process is gone, or something else is said in between. A plain file gets a
  // newline only when more follows.
  void flush(const routing::Identity& who);
  // The incarnation will write nothing more.
  void end(const routing::Identity& who);

  // The newest lines of one instance, without their times.
  [[nodiscard]] std::vector<std::string> last(const routing::Identity& who, std::size_t count) const;
  // What is kept at the moment at which this is made, the newest line first. It may be looked at bit by bit:
  // what is let go meanwhile is left out.
  class Cursor {
   public:
    explicit Cursor(const AppOutput& of);
    // Null: there is no more. Valid until the app writes more.
    [[nodiscard]] const OutputLine* next();

   private:
    // The lines of an instance with numbers below `end`.
    struct Rest {
      std::pair<base::GenerationId, base::Slot> whose;
      std::uint64_t end;
      OutputTail::WallTime newest;
    };
    [[nodiscard]] static const OutputLine* newest_of(const OutputTail& tail, std::uint64_t end);
    void put(Rest rest, const OutputTail& tail);

    const AppOutput& of_;
    std::vector<Rest> rests_;  // a heap
  };
  [[nodiscard]] Cursor newest_first() const { return Cursor(*this); }
  // From when on nothing that came is missing in it.
  [[nodiscard]] OutputTail::WallTime complete_since() const;
  // Where the app's output goes now.
  struct Place {
    output::FilePolicy policy;  // no path: the daemon's standard error
    output::LogStream stream;   // unknown: both
  };
  [[nodiscard]] std::vector<Place> places() const;
  // Its access log, in which other apps may have lines as well; no path: it has none. "inherit" is no path.
  [[nodiscard]] output::FilePolicy access_log() const;
  // Do lines in the files say when and by whom, as far as they are new?
  [[nodiscard]] bool writes_records() const noexcept { return log_.format != config::AppLog::Format::plain; }
  // Forgets generations that have been dead too long; otherwise that happens when the next instance begins to
  // write.
  void tidy() { forget_long_dead({}); }
  // Is any output of this generation, or of one slot in it, kept here?
  [[nodiscard]] bool keeps(base::GenerationId generation, std::optional<base::Slot> slot) const;
  // The generations of which any output is kept, oldest first.
  [[nodiscard]] std::vector<base::GenerationId> generations() const;
  // `follower` gets every further line until unfollow() is called with the returned number.
  [[nodiscard]] std::uint64_t follow(Follower follower);
  void unfollow(std::uint64_t number) { followers_.erase(number); }
  // The app is forgotten: its followers are told, and further ones in follow().
  void close();

 private:
  using Key = std::pair<base::GenerationId, base::Slot>;
  // Where a stream's bytes go, and in which form.
  struct Target {
    output::FilePolicy policy;
    output::LogFormat format = output::LogFormat::plain;
  };
  // Where one stream of an incarnation goes.
  struct Outlet {
    Target target;
    output::Source source;
    std::uint64_t written = 0;  // when last, by the count of the app's writes
  };
  struct Feeds {
    std::shared_ptr<Outlet> out_to;
    std::shared_ptr<Outlet> err_to;
    OutputFeed out;
    OutputFeed err;
  };
  OutputTail& tail(const routing::Identity& who);
  void forget_long_dead(base::GenerationId writing);
  Feeds& feeds(const routing::Identity& who);
  [[nodiscard]] OutputFeed feed(const routing::Identity& who, output::LogStream stream,
                                const std::shared_ptr<Outlet>& to);
  [[nodiscard]] bool wrote_last(const Outlet& to) const;
  void write(const routing::Identity& who, output::LogStream stream, const Target& to, std::string_view bytes,
             output::Source source);
  [[nodiscard]] Target out_target() const;
  [[nodiscard]] Target err_target() const;
  [[nodiscard]] Target target(const std::string& path) const;
  void on_line(const OutputLine& line);
  void flush_all();
  void tell_writer();
  void keep_old_files();
  void use_sinks();

  output::Writer& writer_;
  std::string name_;  // the app's
  std::filesystem::path default_file_;
  config::AppLog log_;  // of the newest incarnation, or as adjusted since
  const spawn::Credentials* user_ = nullptr;
  Alive alive_;
  std::size_t held_ = 0;
  std::uint64_t writes_ = 0;
  std::map<routing::Identity, std::unique_ptr<Feeds>> feeds_;  // of the incarnations that may still write
  std::map<Key, std::unique_ptr<OutputTail>> tails_;
  OutputTail::WallTime complete_since_ = std::chrono::system_clock::now();  // of what is forgotten
  std::string records_;                                                     // room for those of one write
  std::map<std::uint64_t, Follower> followers_;
  std::uint64_t last_follower_ = 0;
  bool closed_ = false;
  bool keeps_ = false;      // the writer looks after old files
  bool has_sinks_ = false;  // the writer knows of some
  bool paused_ = false;
  loop::Timer idle_;  // an unfinished line is ended after a while
};

// What one incarnation writes, on its way from its process to its app's output.
class InstanceOutput final : public process::OutputSink {
 public:
  InstanceOutput(AppOutput& app, const routing::Identity& who) : app_(app), who_(who) {}

  void take(process::OutputStream stream, std::string_view bytes) override { app_.take(who_, stream, bytes); }
  [[nodiscard]] bool has_room(process::OutputStream stream) override { return app_.takes(who_, stream); }

 private:
  AppOutput& app_;
  routing::Identity who_;
};

}  // namespace gracevisor::supervise
