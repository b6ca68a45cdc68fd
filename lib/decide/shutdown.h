// The end of the daemon, as a decider:
//
//   serving --stop--> closing (listeners close, exchanges finish) --idle--> stopping (apps unrouted, drained,
//   signalled) --all gone, responses taken by their clients--> over
//
// A second stop, or the deadline of closing, signals without a drain and cuts everything still under way: a
// client that reads nothing of its response keeps the proxy from noticing that the app has died. The next
// stop, or the deadline of stopping, kills. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace gracevisor::decide {

class Shutdown {
 public:
  enum class Step : std::uint8_t {
    close,          // boot and deploys are ended; the workers close the listeners
    end_listeners,  // the supervisor closes them, too: no client must wait in a backlog
    drain,          // the apps leave the routes, drain, and are signalled
    signal,         // the apps are signalled without a drain; everything under way is cut
    kill,           // SIGKILL; everything under way is cut
    finish,         // nothing is left to wait for
  };
  using Steps = std::vector<Step>;

  // What the supervisor sees once the shutdown has begun.
  struct Seen {
    bool closed = false;  // every worker has closed its listeners
    bool idle = false;    // no exchange is under way, and no request waits
    bool ended = false;   // every app has ended, and so have its processes and endpoints
    bool unsent = false;  // clients have not taken all of their responses
  };

  [[nodiscard]] bool begun() const { return stage_ != Stage::serving; }
  [[nodiscard]] bool over() const { return stage_ == Stage::over; }

  // The daemon is told to stop.
  [[nodiscard]] Steps stop();
  // The time for the stage is over.
  [[nodiscard]] Steps expired();
  [[nodiscard]] Steps advance(const Seen& seen);

 private:
  enum class Stage : std::uint8_t { serving, closing, stopping, over };

  [[nodiscard]] Steps hurry(Step step);

  Stage stage_ = Stage::serving;
  bool hurried_ = false;  // waits for no client
};

}  // namespace gracevisor::decide
