#include "keeper_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <sstream>

#include "spawn/plan_codec.h"
#include "support/processes.h"

namespace gracevisor::keeper::testing {
namespace {

base::UniqueFd listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 10) == 0);
  return fd;
}

struct HandedOver {
  std::string text;
  base::UniqueFd fd;
};

HandedOver receive(int socket) {
  HandedOver result;
  std::array<char, 2000> bytes{};
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  REQUIRE(size > 0);
  result.text.assign(bytes.data(), static_cast<std::size_t>(size));
  if (cmsghdr* rights = CMSG_FIRSTHDR(&message)) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    result.fd.reset(fd);
  }
  return result;
}

}  // namespace

bool readable(int fd, std::chrono::milliseconds patience) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(patience.count())) == 1;
}

spawn::SpawnPlan shell(const std::string& script) {
  spawn::SpawnPlan plan;
  plan.program = "/bin/sh";
  plan.argv = {"sh", "-c", script};
  plan.directory = std::string(1, '/');
  plan.environment = {"PATH=/usr/bin:/bin"};
  return plan;
}

Tag tag(std::string_view app, std::uint64_t generation, std::uint32_t slot) {
  auto made = make_tag(app, "127.0.0.1:20000");
  REQUIRE(made.has_value());
  made->generation = generation;
  made->slot = slot;
  return *made;
}

base::UniqueFd open_null() {
  return base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> bytes{};
  while (readable(fd)) {
    const ssize_t size = ::read(fd, bytes.data(), bytes.size());
    if (size <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(size));
  }
  return text;
}

bool same_file(int a, int b) {
  struct stat one{};
  struct stat other{};
  REQUIRE(::fstat(a, &one) == 0);
  REQUIRE(::fstat(b, &other) == 0);
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

Event StandIn::read() {
  for (;;) {
    if (auto event = client.next()) return std::move(*event);
    REQUIRE(readable(client.fd()));
  }
}

SpawnOrder StandIn::order_of(const Tag& who, const spawn::SpawnPlan& plan) {
  auto sealed = spawn::seal_plan(plan);
  auto out = base::make_pipe();
  auto report = base::make_pipe();
  REQUIRE((sealed && out && report));
  ends_.clear();
  const auto keep = [this](base::UniqueFd fd) {
    ends_.push_back(std::move(fd));
    return ends_.back().get();
  };
  SpawnOrder order;
  order.tag = who;
  order.helper = keep(base::UniqueFd(::open(GV_EXEC, O_PATH | O_CLOEXEC)));
  order.in = keep(open_null());
  order.out = keep(std::move(out->write_end));
  order.err = order.out;
  order.plan = keep(std::move(*sealed));
  order.report = keep(std::move(report->write_end));
  out_ = std::move(out->read_end);
  report_ = std::move(report->read_end);
  order.kept_out = out_->get();
  order.kept_report = report_->get();
  return order;
}

Child StandIn::spawn(const Tag& who, const spawn::SpawnPlan& plan) {
  auto started = ask<Started>(client.spawn(order_of(who, plan)));
  ends_.clear();
  return {started.pid, std::move(started.pidfd), std::move(*out_), std::move(*report_)};
}

std::vector<ListedChild> StandIn::children() {
  std::vector<ListedChild> all;
  for (std::uint32_t from = 0;;) {
    REQUIRE(client.list(from));
    Event event = read();
    while (std::holds_alternative<ChildExited>(event)) event = read();
    auto* child = std::get_if<ListedChild>(&event);
    if (child == nullptr) return all;
    from = child->next;
    all.push_back(std::move(*child));
  }
}

std::vector<ListedName> StandIn::names() {
  std::vector<ListedName> all;
  for (std::uint32_t from = kMostChildren;;) {
    REQUIRE(client.list(from));
    Event event = read();
    while (std::holds_alternative<ChildExited>(event)) event = read();
    auto* name = std::get_if<ListedName>(&event);
    if (name == nullptr) return all;
    from = name->next;
    all.push_back(std::move(*name));
  }
}

void StandIn::tell(const std::string& order) const {
  REQUIRE(::send(test_.get(), order.data(), order.size(), MSG_NOSIGNAL) > 0);
}

int StandIn::signal() {
  REQUIRE(readable(test_.get()));
  std::array<char, 100> line{};
  const ssize_t size = ::recv(test_.get(), line.data(), line.size() - 1, 0);
  REQUIRE(size > 0);
  return std::atoi(line.data() + std::strlen("signal "));
}

void StandIn::kill(int number) const {
  REQUIRE(::kill(pid, number) == 0);
}

Keeper::Keeper(const std::vector<std::string>& words, std::map<std::string, std::string> environment,
               unsigned files) {
  test::adopt_orphans();
  const std::string place = folder_ / "s";
  listener_ = listen_at(place);
  environment["KEEPER_TEST"] = place;
  std::vector<std::string> argv = {GV_KEEPER, "--", GV_KEEPER_STAND_IN};
  argv.insert(argv.end(), words.begin(), words.end());
  if (files != 0) {
    const std::string script = "ulimit -n " + std::to_string(files) + "; exec \"$0\" \"$@\"";
    argv.insert(argv.begin(), {"/bin/sh", "-c", script});
  }
  command_.emplace(argv, environment);
}

Keeper::~Keeper() {
  command_.reset();
  for (const auto& left : test::kill_leftovers()) INFO(left);
}

StandIn Keeper::next() {
  REQUIRE_MESSAGE(readable(listener_.get()), command_->err());
  base::UniqueFd test(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(test);
  HandedOver given = receive(test.get());
  std::istringstream lines(given.text);
  pid_t pid = 0;
  lines >> pid;
  std::vector<std::string> words;
  std::string word;
  std::getline(lines, word);
  while (std::getline(lines, word)) words.push_back(word);
  return {std::move(test), std::move(given.fd), pid, std::move(words)};
}

StandIn Keeper::serving() {
  StandIn daemon = next();
  (void)daemon.ask<Welcomed>(daemon.client.hello());
  (void)daemon.ask<Done>(daemon.client.serving());
  return daemon;
}

}  // namespace gracevisor::keeper::testing
