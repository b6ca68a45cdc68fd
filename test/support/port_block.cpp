#include "support/port_block.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <stdexcept>

#include "loop/listening_socket.h"

namespace gracevisor::test {
namespace {

constexpr const char* kFolder = "/tmp/gracevisor-test-ports";
constexpr std::uint16_t kFirst = 21000;  // below the ephemeral ports
constexpr unsigned kBlocks = 140;
constexpr unsigned kPorts = 64;
constexpr unsigned kListeners = 8;

bool all_free(std::uint16_t first) {
  for (unsigned i = 0; i < kPorts; ++i) {
    auto address = base::Address::tcp_loopback(base::Port(static_cast<std::uint16_t>(first + i)));
    if (!loop::open_listening_sockets(address, 1)) return false;
  }
  return true;
}

}  // namespace

PortBlock::PortBlock() {
  (void)::mkdir(kFolder, 01777);
  (void)::chmod(kFolder, 01777);  // for other users' test runs; fails for a folder that is not ours
  for (unsigned block = 0; block < kBlocks; ++block) {
    std::string path = std::string(kFolder) + "/" + std::to_string(block);
    base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444));
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    auto first = static_cast<std::uint16_t>(kFirst + block * kPorts);
    if (!all_free(first)) continue;
    lock_ = std::move(file);
    first_ = first;
    return;
  }
  throw std::runtime_error("no free block of test ports");
}

std::uint16_t PortBlock::listener(unsigned index) const {
  if (index >= kListeners) throw std::out_of_range("a port block has 8 ports for listeners");
  return static_cast<std::uint16_t>(first_ + index);
}

std::string PortBlock::app_range(unsigned count) const {
  if (count == 0 || count > kPorts - kListeners)
    throw std::out_of_range("a port block has 56 ports for apps");
  unsigned first = first_ + kListeners;
  return std::to_string(first) + "-" + std::to_string(first + count - 1);
}

}  // namespace gracevisor::test
