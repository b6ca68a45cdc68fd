#include "support/log_socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/address.h"

namespace gracevisor::test {

LogSocket::LogSocket(std::filesystem::path path, Kind kind) : path_(std::move(path)), kind_(kind) {
  const int type = kind == Kind::stream ? SOCK_STREAM : SOCK_DGRAM;
  fd_.reset(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(fd_);
  const auto address = base::Address::unix_path(path_.native());
  REQUIRE(address.has_value());
  REQUIRE(::bind(fd_.get(), address->get(), address->length()) == 0);
  const int on = 1;
  if (kind == Kind::stream) {
    REQUIRE(::listen(fd_.get(), 16) == 0);
  } else {
    REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
  }
}

LogSocket::LogSocket() : kind_(Kind::datagram) {
  fd_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(fd_);
  const auto address = base::Address::parse("127.0.0.1:0");
  REQUIRE(address.has_value());
  REQUIRE(::bind(fd_.get(), address->get(), address->length()) == 0);
}

std::string LogSocket::address() const {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  return "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
}

LogSocket::~LogSocket() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

const std::vector<std::string>& LogSocket::take() {
  if (kind_ == Kind::stream) {
    take_streams();
  } else {
    take_datagrams();
  }
  return messages_;
}

void LogSocket::take_datagrams() {
  std::string buffer(1UL << 20, '\0');
  for (;;) {
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred))> space{};
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    packet.msg_control = space.data();
    packet.msg_controllen = space.size();
    const ssize_t n = ::recvmsg(fd_.get(), &packet, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    int given = -1;
    for (cmsghdr* one = CMSG_FIRSTHDR(&packet); one != nullptr; one = CMSG_NXTHDR(&packet, one)) {
      if (one->cmsg_type == SCM_RIGHTS) std::memcpy(&given, CMSG_DATA(one), sizeof given);
      if (one->cmsg_type != SCM_CREDENTIALS) continue;
      ucred who{};
      std::memcpy(&who, CMSG_DATA(one), sizeof who);
      sender_ = who.uid;
    }
    if (given >= 0) {
      take_descriptor(given);
    } else {
      messages_.push_back(buffer.substr(0, static_cast<std::size_t>(n)));
    }
  }
}

void LogSocket::take_descriptor(int number) {
  const base::UniqueFd fd(number);
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  all_sealed_ = all_sealed_ && (::fcntl(fd.get(), F_GET_SEALS) & kSeals) == kSeals;
  ++sealed_;
  struct stat st{};
  REQUIRE(::fstat(fd.get(), &st) == 0);
  std::string content(static_cast<std::size_t>(st.st_size), '\0');
  REQUIRE(::pread(fd.get(), content.data(), content.size(), 0) == st.st_size);
  messages_.push_back(std::move(content));
}

void LogSocket::take_streams() {
  for (;;) {
    base::UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) break;
    clients_.push_back({std::move(fd), {}});
  }
  std::array<char, 65536> buffer{};
  for (Client& client : clients_) {
    ssize_t n = 0;
    while ((n = ::read(client.fd.get(), buffer.data(), buffer.size())) > 0) {
      client.begun.append(buffer.data(), static_cast<std::size_t>(n));
      for (std::size_t end = client.begun.find('\0'); end != std::string::npos;
           end = client.begun.find('\0')) {
        messages_.push_back(client.begun.substr(0, end));
        client.begun.erase(0, end + 1);
      }
    }
    if (n != 0) continue;
    client.fd.reset();
    ++closed_;
  }
  std::erase_if(clients_, [](const Client& client) { return !client.fd; });
}

std::map<std::string, std::string> journal_fields(std::string_view message) {
  std::map<std::string, std::string> fields;
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    REQUIRE(end != std::string_view::npos);
    const std::string_view line = message.substr(0, end);
    message.remove_prefix(end + 1);
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      CHECK(fields.emplace(line.substr(0, equals), line.substr(equals + 1)).second);
      continue;
    }
    std::uint64_t size = 0;
    REQUIRE(message.size() > 8);
    for (std::size_t i = 8; i-- > 0;) size = size << 8U | static_cast<unsigned char>(message[i]);
    REQUIRE(message.size() >= 8 + size + 1);
    CHECK(message[8 + size] == '\n');
    CHECK(fields.emplace(line, message.substr(8, size)).second);
    message.remove_prefix(8 + size + 1);
  }
  return fields;
}

}  // namespace gracevisor::test
