#include "config/values.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <optional>

#include "base/nearest.h"
#include "config/findings.h"
#include "config/substitute.h"

namespace gracevisor::config {
namespace {

// SIGSTOP is left out: it cannot end a process, so no ladder may wait for it.
constexpr std::string_view kSignalNames[] = {"TERM", "INT",  "QUIT", "HUP",  "USR1", "USR2",
                                             "KILL", "TSTP", "CONT", "ABRT", "ALRM", "WINCH",
                                             "PIPE", "TTIN", "TTOU", "IO",   "PWR",  "URG"};
constexpr int kSignals[] = {SIGTERM, SIGINT,  SIGQUIT,  SIGHUP,  SIGUSR1, SIGUSR2, SIGKILL, SIGTSTP, SIGCONT,
                            SIGABRT, SIGALRM, SIGWINCH, SIGPIPE, SIGTTIN, SIGTTOU, SIGIO,   SIGPWR,  SIGURG};
static_assert(std::size(kSignalNames) == std::size(kSignals));

// The whole of `text` as a number.
std::optional<unsigned> number_of(std::string_view text) {
  unsigned number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<StatusRange> parse_range(std::string_view text) {
  auto dash = text.find('-');
  auto first = number_of(trim(text.substr(0, dash)));
  auto last = dash == std::string_view::npos ? first : number_of(trim(text.substr(dash + 1)));
  if (!first || !last || *first < 100 || *last > 599 || *first > *last) return std::nullopt;
  return StatusRange{static_cast<int>(*first), static_cast<int>(*last)};
}

// Whether bits beyond the first `prefix` ones are set in `bytes`.
template <std::size_t N>
bool bits_beyond(const std::array<unsigned char, N>& bytes, unsigned prefix) {
  for (unsigned bit = prefix; bit < 8 * N; ++bit) {
    if ((bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) return true;
  }
  return false;
}

}  // namespace

base::Expected<int> parse_signal(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    if (kSignalNames[i] == name) return kSignals[i];
  }
  std::string message = "unknown signal " + quote_briefly(text);
  if (auto near = base::nearest(name, kSignalNames); !near.empty()) {
    return base::fail(message + R"( (did you mean ")" + std::string(near) + R"("?))");
  }
  return base::fail(message + "; known are " + fmt::format("{}", fmt::join(kSignalNames, ", ")));
}

std::string signal_text(int signal) {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    if (kSignals[i] == signal) return std::string(kSignalNames[i]);
  }
  return std::to_string(signal);
}

base::Expected<std::vector<StatusRange>> parse_statuses(std::string_view text) {
  std::vector<StatusRange> out;
  std::string_view rest = text;
  for (bool more = true; more;) {
    auto comma = rest.find(',');
    more = comma != std::string_view::npos;
    auto range = parse_range(rest.substr(0, comma));
    if (!range) {
      return base::fail(R"(expected statuses from 100 to 599 such as "200-299,301", found )" +
                        quote_briefly(text));
    }
    out.push_back(*range);
    if (more) rest.remove_prefix(comma + 1);
  }
  return out;
}

std::string statuses_text(const std::vector<StatusRange>& ranges) {
  std::string out;
  for (const StatusRange& range : ranges) {
    if (!out.empty()) out += ',';
    out += range.first == range.last ? fmt::format("{}", range.first)
                                     : fmt::format("{}-{}", range.first, range.last);
  }
  return out;
}

base::Expected<Cidr> parse_cidr(std::string_view text) {
  auto invalid = [&] {
    return base::fail(R"(expected a network such as "10.0.0.0/8" or "::1", found )" + quote_briefly(text));
  };
  auto slash = text.find('/');
  std::string host(text.substr(0, slash));
  std::array<unsigned char, 4> v4{};
  std::array<unsigned char, 16> v6{};
  bool is_v4 = ::inet_pton(AF_INET, host.c_str(), v4.data()) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, host.c_str(), v6.data()) != 1) return invalid();
  unsigned bits = is_v4 ? 32 : 128;
  auto prefix = slash == std::string_view::npos ? std::optional(bits) : number_of(text.substr(slash + 1));
  if (!prefix || *prefix > bits) return invalid();
  if (is_v4 ? bits_beyond(v4, *prefix) : bits_beyond(v6, *prefix)) {
    return base::fail(
        fmt::format("the address in {} has bits beyond its first {}", quote_briefly(text), *prefix));
  }
  auto address = base::Address::parse(is_v4 ? host + ":0" : "[" + host + "]:0");
  if (!address) return invalid();
  return Cidr{*address, *prefix};
}

std::string cidr_text(const Cidr& cidr) {
  return fmt::format("{}/{}", cidr.network.host_text(), cidr.prefix);
}

base::Expected<PortRange> parse_port_range(std::string_view text) {
  auto dash = text.find('-');
  if (dash != std::string_view::npos) {
    auto first = number_of(trim(text.substr(0, dash)));
    auto last = number_of(trim(text.substr(dash + 1)));
    if (first && last && *first >= 1 && *last <= 65535 && *first <= *last) {
      return PortRange{base::Port(static_cast<std::uint16_t>(*first)),
                       base::Port(static_cast<std::uint16_t>(*last))};
    }
  }
  return base::fail(R"(expected a range of ports from 1 to 65535 such as "20000-29999", found )" +
                    quote_briefly(text));
}

}  // namespace gracevisor::config
