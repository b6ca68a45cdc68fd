#include "keeper/link.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>
#include <utility>

namespace gracevisor::keeper {
namespace {

// What the keeper could not do yet is tried again after this time, and so often; the same for a socket whose
// reader is slow.
constexpr base::Duration kPause = std::chrono::milliseconds(10);
constexpr unsigned kMostTries = 200;

bool worth_trying_again(int code) {
  return code == EAGAIN || code == ETOOMANYREFS || code == ENOBUFS || code == ENOMEM;
}

// Do orders of this kind change what the keeper has? Then they are the owner's alone.
bool changes(Kind kind) {
  return kind == Kind::spawn || kind == Kind::reap || kind == Kind::hold || kind == Kind::release;
}

Event refused(Kind kind, int error) {
  return Refused{kind, Code::failed, error};
}

}  // namespace

Link::Link(loop::Loop& loop, Client client)
    : client_(std::move(client)),
      next_turn_(loop, [this] { advance(); }),
      again_(loop, [this] { advance(); }) {}

base::Expected<std::unique_ptr<Link>> Link::open(loop::Loop& loop, Client client) {
  std::unique_ptr<Link> link(new Link(loop, std::move(client)));
  auto watch = loop::FdWatch::create(loop, link->client_.fd(), loop::FdWatch::Interest::readable,
                                     [raw = link.get()] { raw->read(); });
  if (!watch) return std::unexpected(watch.error());
  link->watch_ = std::move(*watch);
  link->watch_->leave_loop_free();
  return link;
}

void Link::listen(LinkListener& listener) {
  listener_ = &listener;
}

// `T` is the answer's type among the events.
template <class T, class Send>
void Link::add(Kind kind, Send send, Answer<T> answer) {
  // Functions that are copied cannot own descriptors.
  auto shared = std::make_shared<Send>(std::move(send));
  orders_.push_back({kind, [shared](Client& client) { return (*shared)(client); },
                     [answer = std::move(answer)](Event& event) {
                       if (!answer) return;
                       if (auto* done = std::get_if<T>(&event)) {
                         answer(std::move(*done));
                       } else if (const auto* refusal = std::get_if<Refused>(&event)) {
                         answer(std::unexpected(*refusal));
                       }
                     },
                     paused_ && changes(kind)});
  next_turn_.ask();
}

void Link::spawn(Spawning what, Answer<Started> answer) {
  add<Started>(
      Kind::spawn,
      [what = std::move(what)](Client& client) {
        return client.spawn({.tag = what.tag,
                             .helper = what.helper,
                             .in = what.in.get(),
                             .out = what.out.get(),
                             .err = what.err.get(),
                             .plan = what.plan.get(),
                             .report = what.report.get(),
                             .listener = what.listener.get(),
                             .kept_out = what.kept_out.get(),
                             .kept_err = what.kept_err.get(),
                             .kept_report = what.kept_report.get()});
      },
      std::move(answer));
}

void Link::reap(pid_t child, Answer<Reaped> answer) {
  add<Reaped>(Kind::reap, [child](Client& client) { return client.reap(child); }, std::move(answer));
}

void Link::hold(std::string name, base::UniqueFd fd, Answer<Done> answer) {
  add<Done>(
      Kind::hold,
      [name = std::move(name), fd = std::move(fd)](Client& client) { return client.hold(name, fd.get()); },
      std::move(answer));
}

void Link::release(std::string name, Answer<Done> answer) {
  add<Done>(
      Kind::release, [name = std::move(name)](Client& client) { return client.release(name); },
      std::move(answer));
}

void Link::serving(Answer<Done> answer) {
  add<Done>(Kind::serving, [](Client& client) { return client.serving(); }, std::move(answer));
}

void Link::begin_successor(base::UniqueFd program, std::chrono::milliseconds patience,
                           Answer<SuccessorStarted> answer) {
  add<SuccessorStarted>(
      Kind::successor,
      [program = std::move(program), patience](Client& client) {
        return client.begin_successor(program.get(), {}, patience);
      },
      std::move(answer));
  pause();
}

void Link::end(Whom whom, Answer<Done> answer) {
  add<Done>(Kind::end, [whom](Client& client) { return client.end(whom); }, std::move(answer));
}

void Link::resume() {
  paused_ = false;
  for (Order& order : orders_) order.waits = false;
  next_turn_.ask();
}

void Link::set_policy(std::chrono::milliseconds shutdown_timeout, std::chrono::milliseconds watchdog) {
  add<Done>(
      Kind::policy,
      [shutdown_timeout, watchdog](Client& client) { return client.set_policy(shutdown_timeout, watchdog); },
      Answer<Done>());
}

void Link::notify(std::string text) {
  add<Done>(
      Kind::notify, [text = std::move(text)](Client& client) { return client.notify(text); }, Answer<Done>());
}

void Link::alive() {
  // Any order that is on its way is a sign of life.
  if (std::ranges::all_of(orders_, &Order::waits))
    add<Done>(Kind::alive, [](Client& client) { return client.alive(); }, Answer<Done>());
}

void Link::bye(int status) {
  constexpr int kPatience = 1000;  // milliseconds
  while (!gone_ && (out_ || client_.out(Kind::bye))) {
    pollfd waited{client_.fd(), POLLIN, 0};
    if (::poll(&waited, 1, kPatience) != 1) return;
    read();
  }
  if (!gone_) (void)client_.bye(status);
}

void Link::close() {
  gone_ = true;
  orders_.clear();
  next_turn_.stop();
  again_.stop();
  watch_.reset();
}

// Sends the first order that may go, unless one is out already.
void Link::advance() {
  while (!gone_ && !out_ && !again_.running()) {
    const auto next = std::ranges::find(orders_, false, &Order::waits);
    if (next == orders_.end()) break;
    // Those that wait keep their order behind it.
    std::rotate(orders_.begin(), next, next + 1);
    auto sent = orders_.front().send(client_);
    if (sent) {
      out_ = true;
    } else if (worth_trying_again(sent.error().code)) {
      again();
    } else {
      finish(refused(orders_.front().kind, sent.error().code));
    }
  }
  if (gone_) give_up();
}

void Link::again() {
  Order& order = orders_.front();
  out_ = false;
  if (++order.tries < kMostTries) {
    again_.start(kPause);
  } else {
    finish(refused(order.kind, EAGAIN));
  }
}

void Link::read() {
  while (!gone_ && listener_ != nullptr) {
    auto event = client_.next();
    if (!event) break;
    take(std::move(*event));
  }
  if (listener_ == nullptr) return;
  advance();
}

void Link::take(Event event) {
  if (const auto* exited = std::get_if<ChildExited>(&event)) {
    listener_->on_exited(*exited);
  } else if (const auto* by = std::get_if<Superseded>(&event)) {
    listener_->on_superseded(*by);
  } else if (const auto* ended = std::get_if<DaemonEnded>(&event)) {
    listener_->on_daemon_ended(*ended);
  } else if (std::holds_alternative<KeeperGone>(event) || std::holds_alternative<Nonsense>(event)) {
    // Who talks nonsense is no keeper that anything could be left to.
    gone_ = true;
    watch_.reset();
    listener_->on_keeper_gone();
  } else if (out_) {
    const auto* refusal = std::get_if<Refused>(&event);
    if (refusal != nullptr && refusal->code == Code::later) {
      again();
    } else {
      finish(std::move(event));
    }
  }
}

void Link::finish(Event event) {
  Order order = std::move(orders_.front());
  orders_.pop_front();
  out_ = false;
  order.answer(event);
}

void Link::give_up() {
  for (auto rest = std::exchange(orders_, {}); !rest.empty(); rest.pop_front()) {
    Event event = refused(rest.front().kind, EPIPE);
    rest.front().answer(event);
  }
  out_ = false;
}

namespace {

constexpr std::chrono::seconds kPatience{10};

// The next event that answers an order. The ends of children go into `exited`; the other events are told to
// owners that serve.
base::Expected<Event> answer_of(Client& client, std::vector<ChildExited>& exited) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    auto event = client.next();
    if (!event) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      pollfd waited{client.fd(), POLLIN, 0};
      if (left.count() <= 0) return base::fail("the keeper does not answer");
      if (::poll(&waited, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
        return base::fail_errno("cannot wait for the keeper", errno);
      continue;
    }
    if (std::holds_alternative<KeeperGone>(*event)) return base::fail("the keeper is gone");
    if (std::holds_alternative<Nonsense>(*event)) return base::fail("the keeper's answer makes no sense");
    if (const auto* child = std::get_if<ChildExited>(&*event)) {
      exited.push_back(*child);
    } else if (std::holds_alternative<Superseded>(*event)) {
      return base::fail("another daemon is the owner");
    } else if (!std::holds_alternative<DaemonEnded>(*event)) {
      return std::move(*event);
    }
  }
}

// Those that ended after they had been listed.
void note_ends(std::vector<ListedChild>& children, const std::vector<ChildExited>& exited) {
  for (const ChildExited& one : exited) {
    const auto child = std::ranges::find(children, one.pid, &ListedChild::pid);
    if (child != children.end()) child->ending = one.ending;
  }
}

}  // namespace

base::Expected<Welcomed> greet(Client& client) {
  if (auto sent = client.hello(); !sent) return std::unexpected(sent.error());
  std::vector<ChildExited> exited;  // the list will tell the same
  auto event = answer_of(client, exited);
  if (!event) return std::unexpected(event.error());
  if (auto* welcomed = std::get_if<Welcomed>(&*event)) return std::move(*welcomed);
  return base::fail("the keeper refuses its daemon");
}

base::Expected<Listed> list_all(Client& client) {
  Listed listed;
  std::vector<ChildExited> exited;
  std::uint32_t from = 0;
  for (unsigned tries = 0; tries < kMostTries;) {
    if (auto sent = client.list(from); !sent) return std::unexpected(sent.error());
    auto event = answer_of(client, exited);
    if (!event) return std::unexpected(event.error());
    if (std::holds_alternative<ListEnd>(*event)) {
      note_ends(listed.children, exited);
      return listed;
    }
    if (auto* child = std::get_if<ListedChild>(&*event)) {
      from = child->next;
      listed.children.push_back(std::move(*child));
    } else if (auto* name = std::get_if<ListedName>(&*event)) {
      from = name->next;
      listed.names.push_back(std::move(*name));
    } else {
      // Too many descriptors are in flight, or a row vanished meanwhile.
      ++tries;
      (void)::poll(nullptr, 0, 10);
    }
  }
  return base::fail("the keeper does not list what it holds");
}

}  // namespace gracevisor::keeper
