// PROXY headers of versions 1 and 2, in front of whatever follows. Oracles: one that arrives byte by byte is
// judged as one that arrives whole, and never needs a byte behind its own end; what follows changes nothing;
// the size is what version 1's line end, or version 2's length, says; a client that is told has an address
// that can be written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/proxy_protocol.h"

namespace {

using namespace gracevisor;  // NOLINT(google-build-using-namespace): one program, one subject
using proxy::ProxyHeader;
using State = ProxyHeader::State;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string client_of(const ProxyHeader& header) {
  return header.client ? header.client->text() : std::string();
}

bool same(const ProxyHeader& a, const ProxyHeader& b) {
  return a.state == b.state && a.size == b.size && client_of(a) == client_of(b);
}

// In memory of its own: a byte read behind its end is found.
ProxyHeader parse(std::string_view bytes) {
  const std::string own(bytes);
  return proxy::parse_proxy_header(own);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = parse(bytes);
  require(whole.state == State::complete || (whole.size == 0 && !whole.client));
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const ProxyHeader header = parse(std::string_view(bytes).substr(0, length));
    if (header.state == State::incomplete) continue;
    require(same(header, whole));
    require(header.state == State::malformed || length == whole.size);
    break;
  }
  if (whole.state != State::complete) return 0;
  require(whole.size <= bytes.size() && whole.size <= proxy::kMaxProxyHeader);
  require(same(parse(bytes + "GET / HTTP/1.1\r\n\r\n"), whole));
  require(same(parse(std::string_view(bytes).substr(0, whole.size)), whole));
  if (bytes.starts_with("PROXY ")) {
    require(whole.size == bytes.find("\r\n") + 2);
  } else {
    constexpr std::size_t kHead = 16;
    require(whole.size == kHead + (std::size_t{data[14]} << 8U | data[15]));
    // What is behind the addresses does not count, whatever it says of its length.
    constexpr std::size_t kAddresses = 52;
    if (whole.size > kAddresses) {
      std::string other(bytes);
      for (std::size_t at = kAddresses; at < whole.size; ++at) other[at] = static_cast<char>(~other[at]);
      require(same(parse(other), whole));
    }
  }
  if (whole.client) {
    const auto again = base::Address::parse(client_of(whole));
    require(again.has_value() && again->text() == client_of(whole));
  }
  return 0;
}
