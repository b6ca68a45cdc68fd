// Records between gv-keeper and a daemon. The first byte chooses: an order, an answer, or a client to which
// records and descriptors come. Oracles: what is taken for a record is whole (texts end, numbers are in their
// range), reads the same again, and needs nothing that follows it; a client answers each record with at most
// one event and leaves no descriptor open.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <source_location>
#include <string_view>

#include "keeper/client.h"
#include "keeper/wire.h"

namespace {

using namespace gracevisor;          // NOLINT(google-build-using-namespace): one program, one subject
using namespace gracevisor::keeper;  // NOLINT(google-build-using-namespace)

void require(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  (void)std::fprintf(stderr, "violated: line %u\n", static_cast<unsigned>(where.line()));
  std::abort();
}

template <std::size_t N>
void require_text(const char (&text)[N]) {
  require(::strnlen(text, N) < N);
}

template <class Read>
void read_again(Read read, const Record& record, std::size_t descriptors) {
  Record known = record;
  known.header.length =
      static_cast<std::uint16_t>(std::min<std::size_t>(record.header.length, sizeof record));
  Record again;
  require(read(&known, known.header.length, descriptors, again) == Code::ok);
  require(std::memcmp(&again, &known, sizeof again) == 0);
}

void fuzz_order(std::string_view bytes, std::size_t descriptors) {
  Record record;
  if (read_order(bytes.data(), bytes.size(), descriptors, record) != Code::ok) return;
  require(record.header.length == bytes.size() && descriptors <= kMostDescriptors);
  if (record.header.kind == Kind::spawn) {
    require_text(record.body.spawn.tag.app);
    require_text(record.body.spawn.tag.endpoint);
    require(same_row(record.body.spawn.tag, record.body.spawn.tag));
    require(descriptors >= 6);
  }
  if (record.header.kind == Kind::hold || record.header.kind == Kind::release)
    require_text(record.body.name.text);
  if (record.header.kind == Kind::notify) require_text(record.body.notify.text);
  if (record.header.kind == Kind::successor) require_text(record.body.successor.arguments);
  read_again(read_order, record, descriptors);
}

void fuzz_answer(std::string_view bytes, std::size_t descriptors) {
  Record record;
  if (read_answer(bytes.data(), bytes.size(), descriptors, record) != Code::ok) return;
  if (record.header.code == Code::ok) {
    if (record.header.kind == Kind::hello) require_text(record.body.welcome.version);
    if (record.header.kind == Kind::exited) require(record.body.exit.ending.how != How::lives);
    Record less = record;
    leave_out_descriptors(less);
    require(less.header.kind == record.header.kind && less.header.serial == record.header.serial);
  }
  read_again(read_answer, record, descriptors);
}

// The lowest number that is free: equal before and after if nothing was left open.
int lowest_free() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  require(fd >= 0);
  (void)::close(fd);
  return fd;
}

// Each record: a byte for its descriptors, two for its length, its bytes. Orders go out before every one.
void fuzz_client(std::string_view bytes) {
  const int before = lowest_free();
  {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    Client client{base::UniqueFd(ends[0])};
    const base::UniqueFd keeper(ends[1]);
    const base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const int fd = null.get();
    while (bytes.size() > 3) {
      (void)client.hello();
      (void)client.list(0);
      (void)client.spawn({*make_tag("a", ""), fd, fd, fd, fd, fd, fd});
      (void)client.reap(1);
      (void)client.begin_successor(fd, {"x"}, std::chrono::seconds(1));
      const std::size_t count = static_cast<unsigned char>(bytes[0]) % (kMostDescriptors + 1);
      const std::size_t length =
          static_cast<unsigned char>(bytes[1]) + 256U * (static_cast<unsigned char>(bytes[2]) % 3);
      bytes.remove_prefix(3);
      alignas(Record) std::array<char, sizeof(Record) + 300> record{};
      const std::size_t size = std::min({length, bytes.size(), record.size()});
      std::memcpy(record.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      Record sent;
      std::memcpy(&sent, record.data(), sizeof sent);
      std::array<int, kMostDescriptors> fds{};
      fds.fill(fd);
      // send_record() sends as many bytes as the header says.
      sent.header.length = static_cast<std::uint16_t>(std::min(size, sizeof sent));
      if (sent.header.length == 0 || send_record(keeper.get(), sent, fds.data(), count) != 0) continue;
      require(client.next().has_value() || is_event(sent.header.kind));
      require(!client.next());
    }
  }
  require(lowest_free() == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  switch (data[0] % 3) {
    case 0: fuzz_order(bytes, data[1] % 20); break;
    case 1: fuzz_answer(bytes, data[1] % 20); break;
    default: fuzz_client(bytes);
  }
  return 0;
}
