#include "spec/state_id.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "base/file.h"

namespace gracevisor::spec {
namespace {

constexpr std::size_t kDigits = 32;

bool sound(const std::string& text) {
  auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == kDigits && std::ranges::all_of(text, digit);
}

base::Expected<std::string> make_id() {
  std::array<std::uint8_t, kDigits / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return base::fail_errno("cannot get a random number", errno);
  }
  std::string text;
  for (std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

base::Expected<StateId> state_id(const std::filesystem::path& state_dir) {
  std::filesystem::path file = state_dir / "id";
  if (auto kept = base::read_file(file, kDigits + 1)) {
    if (kept->ends_with('\n')) kept->pop_back();
    if (sound(*kept)) return StateId{*kept, ""};
  }
  auto made = make_id();
  if (!made) return std::unexpected(made.error());
  StateId id{*made, ""};
  if (auto written = base::replace_file(file, id.text + "\n", 0600); !written) {
    id.problem = written.error().what;
  }
  return id;
}

}  // namespace gracevisor::spec
