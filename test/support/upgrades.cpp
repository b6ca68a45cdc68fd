#include "support/upgrades.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "base/process_entry.h"
#include "support/processes.h"
#include "support/wait.h"

namespace gracevisor::test {
namespace {

constexpr unsigned kText = 1;
constexpr unsigned kClose = 8;
constexpr std::size_t kMostPayload = 125;

void copy_program(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::create_directories(to.parent_path());
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(to, std::filesystem::perms(0755));
}

}  // namespace

std::string Upgraded::phases() const {
  std::string all;
  for (const control::ReportLine& line : lines) {
    if (!line.phase.empty()) all += (all.empty() ? "" : " ") + line.phase;
  }
  return all;
}

std::string Upgraded::text(const std::string& phase) const {
  const auto line = std::ranges::find(lines, phase, &control::ReportLine::phase);
  return line == lines.end() ? "" : line->text;
}

pid_t Upgraded::successor() const {
  const auto line = std::ranges::find(lines, "start", &control::ReportLine::phase);
  if (line == lines.end()) return 0;
  for (const auto& [name, value] : line->fields) {
    const auto* pid = std::get_if<std::int64_t>(&value);
    if (name == "pid" && pid != nullptr) return static_cast<pid_t>(*pid);
  }
  return 0;
}

std::string describe(const Upgraded& upgrade) {
  return describe(upgrade.result);
}

Upgraded read_upgrade(const CommandResult& result) {
  Upgraded upgrade{result, {}};
  std::istringstream text(result.out);
  for (std::string line; std::getline(text, line);) {
    auto read = control::read_report_line(line);
    REQUIRE_MESSAGE(read.has_value(), line);
    upgrade.lines.push_back(std::move(*read));
  }
  return upgrade;
}

Upgraded upgrade(const DaemonProcess& daemon, const std::vector<std::string>& arguments,
                 std::chrono::milliseconds patience) {
  std::vector<std::string> words{"--json", "upgrade"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return read_upgrade(daemon.ctl(words, patience));
}

pid_t upgrade_well(const DaemonProcess& daemon, const std::vector<std::string>& arguments) {
  const Upgraded done = upgrade(daemon, arguments);
  REQUIRE_MESSAGE(done.result.exit_code == 0, describe(done) << daemon.log());
  REQUIRE_MESSAGE(owner(daemon) == done.successor(), daemon.log());
  return done.successor();
}

pid_t wait_started(Command& upgrading) {
  constexpr std::string_view kPid = "\"pid\":";
  pid_t successor = 0;
  (void)wait_until(
      [&] {
        const bool over = !upgrading.running();
        const std::string out = upgrading.out();
        const auto at = out.find(kPid);
        // A line that is not whole yet has no end.
        if (at != std::string::npos && out.find('}', at) != std::string::npos)
          successor = std::atoi(out.c_str() + at + kPid.size());
        return successor != 0 || over;
      },
      std::chrono::seconds(20));
  return successor;
}

pid_t owner(const DaemonProcess& daemon) {
  const auto status = daemon.status();
  return status ? status->pid : 0;
}

pid_t predecessor(const DaemonProcess& daemon) {
  const auto status = daemon.status();
  return status && status->predecessor ? status->predecessor->pid : 0;
}

std::vector<pid_t> daemons(const DaemonProcess& daemon) {
  std::vector<pid_t> all;
  for (const pid_t child : descendants_of(daemon.keeper())) {
    const auto entry = base::read_process_entry(child);
    if (entry && entry->parent == daemon.keeper() && entry->name == "gracevisord") all.push_back(child);
  }
  return all;
}

bool wait_alone(const DaemonProcess& daemon, std::chrono::milliseconds patience) {
  return wait_until([&] { return predecessor(daemon) == 0 && daemons(daemon).size() == 1; }, patience);
}

Population app_processes(const DaemonProcess& daemon) {
  Population all;
  for (const pid_t pid : descendants_of(daemon.keeper())) {
    const auto entry = base::read_process_entry(pid);
    if (entry && entry->name != "gracevisord") all.emplace(pid, entry->started);
  }
  return all;
}

std::filesystem::path copy_of_daemon(const Site& site, const std::string& name) {
  const std::filesystem::path folder = site.directory() / name;
  copy_program(GV_EXEC, folder / "gv-exec");
  copy_program(GV_DAEMON, folder / "gracevisord");
  return folder / "gracevisord";
}

std::filesystem::path stand_in(const Site& site, const std::string& name) {
  const std::filesystem::path path = site.directory() / name;
  copy_program(GV_SUCCESSOR_STAND_IN, path);
  return path;
}

std::string websocket_app(const std::string& name, const std::string& listen, const std::string& more) {
  return fmt::format(
      "[app.{}]\ncommand = [\"@PYTHON@\", \"@SUPPORT@/websocket_app.py\"]\nlisten = \"{}\"\n"
      "health = {{ path = \"/health\", interval = \"50ms\" }}\ndeploy.guard = \"100ms\"\n{}",
      name, listen, more);
}

std::optional<WebSocket> WebSocket::open(const base::Address& address) {
  auto connection = HttpConnection::connect(address);
  if (!connection) return std::nullopt;
  Request request;
  request.headers = {{"Connection", "Upgrade"},
                     {"Upgrade", "websocket"},
                     {"Sec-WebSocket-Version", "13"},
                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  const auto answer = connection->exchange(request);
  if (!answer || answer->status != 101) return std::nullopt;
  return WebSocket(std::move(*connection));
}

// With a mask of zeros, which leaves the payload as it is.
bool WebSocket::send(unsigned opcode, std::string_view payload) {
  if (payload.size() > kMostPayload) return false;
  std::string frame{static_cast<char>(0x80U | opcode), static_cast<char>(0x80U | payload.size()), 0, 0, 0, 0};
  return connection_.send(frame.append(payload)).has_value();
}

std::optional<WebSocket::Frame> WebSocket::read() {
  connection_.set_patience(std::chrono::seconds(30));
  const auto have = [&](std::size_t size) {
    while (connection_.received().size() < taken_ + size) {
      const auto more = connection_.receive();
      if (!more || !*more) return false;
    }
    return true;
  };
  if (!have(2)) return std::nullopt;
  const auto first = static_cast<unsigned char>(connection_.received()[taken_]);
  const auto size = static_cast<unsigned char>(connection_.received()[taken_ + 1]);
  if (size > kMostPayload || !have(2U + size)) return std::nullopt;
  Frame frame{first & 0x0fU, connection_.received().substr(taken_ + 2, size)};
  taken_ += 2U + size;
  return frame;
}

bool WebSocket::echoes(std::string_view text) {
  if (!send(kText, text)) return false;
  const auto frame = read();
  return frame && frame->opcode == kText && frame->payload == text;
}

unsigned WebSocket::wait_closed() {
  while (const auto frame = read()) {
    if (frame->opcode != kClose) continue;
    (void)send(kClose, frame->payload);
    connection_.finish_sending();
    if (frame->payload.size() < 2) return 0;
    return static_cast<unsigned>(static_cast<unsigned char>(frame->payload[0])) << 8U |
           static_cast<unsigned char>(frame->payload[1]);
  }
  return 0;
}

bool WebSocket::close() {
  using namespace std::string_view_literals;
  if (!send(kClose, "\x03\xe8"sv)) return false;
  const auto frame = read();
  connection_.finish_sending();
  return frame && frame->opcode == kClose && frame->payload == "\x03\xe8"sv;
}

}  // namespace gracevisor::test
