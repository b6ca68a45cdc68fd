// The keeper: parent of all, and of one daemon at a time that owns it.
//
//   starting --serving--> serving --it ends--> back-off --> starting ...       (for ever)
//      |                     |                    |
//      |  it ends            | bye, and it ends   | TERM: once more, with --stop
//      v                     v                    v
//   ending: every group gets TERM, after shutdown_timeout KILL; then the keeper ends
//
// An upgrade: the owner orders a successor; its `serving` makes it the owner and the former one the
// predecessor, of which there is at most one and which may end when it likes. What the successor does before
// changes nothing.
//
// Nothing is queued: rows remember that their end is untold, a daemon has at most one answer unsent, and
// whoever does not read its socket delays itself alone. Thread: the keeper's only one.
#pragma once

#include <csignal>

#include "alarms.h"
#include "children.h"
#include "daemon.h"
#include "fork.h"
#include "inherited.h"
#include "keeper/wire.h"
#include "names.h"
#include "service_manager.h"

namespace gracevisor::keeper {

// What a daemon is started with. The file is executed, and argv names it.
struct DaemonProgram {
  static constexpr std::size_t kMostWords = 16;  // that a start adds
  int file = -1;
  char** argv = nullptr;  // with room for these
  std::size_t count = 0;
  char** environment = nullptr;         // with the number of its socket
  char** helper_environment = nullptr;  // without
};

class Keeper {
 public:
  constexpr Keeper(Children& children, Names& names) : children_(children), names_(names) {}
  // Returns the exit status.
  [[nodiscard]] int run(const DaemonProgram& program);

 private:
  // loop.cpp
  [[nodiscard]] bool prepare();
  void wait();
  void read_signals();
  void on_signal(int number);
  void on_children();
  void on_alarms();
  [[nodiscard]] static bool is_known(const void* keeper, pid_t pid);

  // talk.cpp: reading from daemons and answering
  void serve(Peer& peer);
  void take(Peer& peer, Packet& packet);
  void on_hung_up(Peer& peer);
  void reply(Peer& peer, const Record& record);
  void flush(Peer& peer);
  [[nodiscard]] bool has_news(const Peer& peer);
  [[nodiscard]] bool tells_gone(const Peer& owner) const;
  [[nodiscard]] bool send_answer(Peer& peer);
  [[nodiscard]] bool attach(const Peer& peer, Record& answered, int (&fds)[4], std::size_t& count);
  [[nodiscard]] bool send(const Peer& peer, const Record& record, const int* fds = nullptr,
                          std::size_t* count = nullptr);

  // orders.cpp: each answers
  void carry_out(Peer& peer, const Record& order, Packet& packet);
  [[nodiscard]] Record answer_to(Peer& peer, const Record& order, Packet& packet);
  [[nodiscard]] bool may(const Peer& peer, Kind kind) const;
  [[nodiscard]] Record welcome(const Peer& peer, std::uint32_t serial) const;
  [[nodiscard]] Record list(const Record& order);
  [[nodiscard]] Record spawn(const Record& order, Packet& packet);
  [[nodiscard]] Record reap(const Record& order);
  [[nodiscard]] Record hold(const Record& order, Packet& packet);
  [[nodiscard]] Record begin_successor(const Record& order, Packet& packet);
  [[nodiscard]] Record end_daemon(const Record& order);
  [[nodiscard]] Record tell_manager(const Record& order) const;

  // daemons.cpp: their starts and ends
  [[nodiscard]] Peer* start(int file, const char* const* words, std::size_t count);
  [[nodiscard]] bool start_owner();
  void start_to_stop();
  void serving(Peer& peer);
  void on_bye(Peer& peer, int status);
  void on_end(Peer& peer, const Ending& ending);
  void on_owner_end(const Peer& was, const Ending& ending);
  void back_off();
  void end_successor();
  void pass_on(int number);
  void abort_owner();
  void expect_life();

  // ending.cpp: the end of everything
  void ask_to_stop(int number);
  void end_all(int status);
  void kill_all();
  void look_for_end();

  Children& children_;
  Names& names_;
  DaemonProgram program_;
  Inherited inherited_;
  ServiceManager manager_;
  Alarms alarms_;
  int signals_ = -1;  // the signalfd

  Peer peers_[3];
  Peer* owner_ = nullptr;
  Peer* successor_ = nullptr;
  Peer* predecessor_ = nullptr;
  Record gone_{};  // what the owner is to hear of another daemon's end
  bool gone_untold_ = false;
  bool successor_late_ = false;
  bool paused_ = false;  // until Alarm::retry nothing is sent
  bool more_strangers_ = false;

  std::uint32_t starts_ = 0;
  std::uint32_t deaths_ = 0;  // one after the other, each at once after its start
  Ending last_{};
  bool ever_served_ = false;
  sigset_t waiting_signals_{};  // that came while no owner served
  Millis shutdown_timeout_{30'000};
  Millis watchdog_{};

  bool asked_ = false;     // to stop, by a signal
  bool stopping_ = false;  // the owner was started with --stop
  bool ending_ = false;
  bool killed_ = false;
  bool done_ = false;
  int status_ = 0;
};

}  // namespace gracevisor::keeper
