// A daemon's connection to its keeper, on its loop: orders wait for each other in one line, since the keeper
// answers them in order; an order that it can only carry out later is given again, and what it tells unasked
// reaches one listener. Everything is told from the loop, never from inside a call.
//
// When the keeper is gone, every order, also a later one, is refused with Code::failed and EPIPE.
// Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "keeper/client.h"
#include "loop/fd_watch.h"
#include "loop/loop.h"
#include "loop/next_turn.h"
#include "loop/timer.h"

namespace gracevisor::keeper {

class LinkListener {
 public:
  virtual void on_exited(const ChildExited& child) = 0;
  // Another daemon is the owner now.
  virtual void on_superseded(const Superseded& by) = 0;
  virtual void on_daemon_ended(const DaemonEnded& daemon) = 0;
  // No other call follows.
  virtual void on_keeper_gone() = 0;

 protected:
  ~LinkListener() = default;
};

// What a spawn takes; the descriptors are closed when the keeper has them, or has refused.
struct Spawning {
  Tag tag{};
  int helper = -1;  // gv-exec; the caller's, which keeps it open
  base::UniqueFd in;
  base::UniqueFd out;
  base::UniqueFd err;
  base::UniqueFd plan;
  base::UniqueFd report;
  base::UniqueFd listener;
  base::UniqueFd kept_out;
  base::UniqueFd kept_err;
  base::UniqueFd kept_report;
};

class Link {
 public:
  template <class T>
  using Answer = std::function<void(std::expected<T, Refused>)>;

  // The client has to have no order out. It is an error if its socket cannot be watched.
  [[nodiscard]] static base::Expected<std::unique_ptr<Link>> open(loop::Loop& loop, Client client);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() = default;

  // Until there is a listener, events wait in the socket.
  void listen(LinkListener& listener);

  void spawn(Spawning what, Answer<Started> answer);
  void reap(pid_t child, Answer<Reaped> answer);
  void hold(std::string name, base::UniqueFd fd, Answer<Done> answer);
  void release(std::string name, Answer<Done> answer);
  void serving(Answer<Done> answer);
  // Starts this program as the successor. What is ordered from then on and changes anything waits, as after
  // pause().
  void begin_successor(base::UniqueFd program, std::chrono::milliseconds patience,
                       Answer<SuccessorStarted> answer);
  void end(Whom whom, Answer<Done> answer);
  void set_policy(std::chrono::milliseconds shutdown_timeout, std::chrono::milliseconds watchdog);
  void notify(std::string text);
  void alive();
  // Also waits until it is sent, and not for long: the caller is about to end.
  void bye(int status);

  // Spawns, reaps, holds and releases that are ordered from now on wait until resume(): while two daemons
  // live, one of them decides. A spawn's time does not wait.
  void pause() { paused_ = true; }
  void resume();

  // Nothing is told any more, not even answers.
  void close();

  [[nodiscard]] bool gone() const { return gone_; }
  // Orders that are not answered yet.
  [[nodiscard]] std::size_t waiting() const { return orders_.size(); }

 private:
  struct Order {
    Kind kind;
    std::function<base::Expected<void>(Client&)> send;
    std::function<void(Event&)> answer;
    bool waits;  // for resume()
    unsigned tries = 0;
  };

  Link(loop::Loop& loop, Client client);
  template <class T, class Send>
  void add(Kind kind, Send send, Answer<T> answer);
  void advance();
  void read();
  void take(Event event);
  void finish(Event event);
  void again();
  void give_up();

  Client client_;
  LinkListener* listener_ = nullptr;
  std::deque<Order> orders_;
  bool out_ = false;   // the first one is sent
  bool gone_ = false;  // the keeper
  bool paused_ = false;
  loop::NextTurn next_turn_;
  loop::Timer again_;
  std::unique_ptr<loop::FdWatch> watch_;
};

// For the start of a daemon, before its loop runs: each waits for the answer, at most as long as a keeper
// that lives can take.
struct Listed {
  std::vector<ListedChild> children;
  std::vector<ListedName> names;
};
[[nodiscard]] base::Expected<Welcomed> greet(Client& client);
[[nodiscard]] base::Expected<Listed> list_all(Client& client);

}  // namespace gracevisor::keeper
