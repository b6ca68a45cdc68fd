#include "spawn/plan_codec.h"

#include <cerrno>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "base/sealed_file.h"
#include "spawn/protocol.h"

namespace gracevisor::spawn {
namespace {

constexpr std::uint32_t kMagic = 0x67760004;  // "gv", format 4

class Encoder {
 public:
  template <std::unsigned_integral T>
  void put(T number) {
    char raw[sizeof(T)];
    std::memcpy(raw, &number, sizeof(T));
    bytes_.append(raw, sizeof(T));
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  void put(const std::vector<std::string>& texts) {
    put(static_cast<std::uint32_t>(texts.size()));
    for (const auto& text : texts) put(std::string_view(text));
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Once something is missing, everything further reads as empty and ok() stays false.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    T value{};
    if (!need(sizeof(T))) return value;
    (void)rest_.copy(reinterpret_cast<char*>(&value), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string text() {
    auto size = number<std::uint32_t>();
    if (!need(size)) return {};
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  std::vector<std::string> texts() {
    auto count = number<std::uint32_t>();
    std::vector<std::string> values;
    for (std::uint32_t i = 0; ok_ && i < count; ++i) values.push_back(text());
    return values;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
  bool need(std::size_t size) {
    ok_ = ok_ && rest_.size() >= size;
    return ok_;
  }
  std::string_view rest_;
  bool ok_ = true;
};

void put_credentials(Encoder& out, const Credentials& who) {
  out.put(std::uint32_t{who.uid});
  out.put(std::uint32_t{who.gid});
  out.put(static_cast<std::uint32_t>(who.groups.size()));
  for (gid_t group : who.groups) out.put(std::uint32_t{group});
  out.put(std::string_view(who.name));
  out.put(std::string_view(who.home));
  out.put(std::string_view(who.shell));
}

Credentials take_credentials(Decoder& in) {
  Credentials who;
  who.uid = in.number<std::uint32_t>();
  who.gid = in.number<std::uint32_t>();
  auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; in.ok() && i < count; ++i) who.groups.push_back(in.number<std::uint32_t>());
  who.name = in.text();
  who.home = in.text();
  who.shell = in.text();
  return who;
}

void put(Encoder& out, const std::optional<ResourceLimit>& limit) {
  out.put(std::uint8_t{limit.has_value()});
  if (!limit) return;
  out.put(limit->soft);
  out.put(limit->hard);
}
template <std::integral T>
void put(Encoder& out, const std::optional<T>& number) {
  out.put(std::uint8_t{number.has_value()});
  if (number) out.put(static_cast<std::make_unsigned_t<T>>(*number));
}

void take(Decoder& in, std::optional<ResourceLimit>& limit) {
  if (in.number<std::uint8_t>() == 0) return;
  limit.emplace();
  limit->soft = in.number<std::uint64_t>();
  limit->hard = in.number<std::uint64_t>();
}
template <std::integral T>
void take(Decoder& in, std::optional<T>& number) {
  if (in.number<std::uint8_t>() != 0) number = static_cast<T>(in.number<std::make_unsigned_t<T>>());
}

// The same order in both directions.
void for_each_limit(auto& limits, const auto& visit) {
  visit(limits.open_files);
  visit(limits.processes);
  visit(limits.core);
  visit(limits.nice);
  visit(limits.io_priority);
  visit(limits.oom_score_adj);
  visit(limits.memory);
  visit(limits.tasks);
  visit(limits.cpu);
}

}  // namespace

std::string encode_plan(const SpawnPlan& plan) {
  Encoder out;
  out.put(kMagic);
  out.put(std::string_view(plan.program));
  out.put(plan.argv);
  out.put(plan.environment);
  out.put(std::string_view(plan.directory));
  out.put(std::uint8_t{plan.open_files.has_value()});
  if (plan.open_files) out.put(*plan.open_files);
  out.put(std::uint8_t{plan.listener >= 0});
  out.put(std::uint8_t{plan.credentials.has_value()});
  if (plan.credentials) put_credentials(out, *plan.credentials);
  out.put(std::string_view(plan.cgroup));
  for_each_limit(plan.limits, [&out](const auto& limit) { put(out, limit); });
  out.put(plan.umask);
  out.put(plan.capabilities);
  out.put(std::uint8_t{plan.no_new_privileges});
  out.put(std::uint8_t{plan.private_tmp});
  out.put(plan.read_only);
  out.put(std::uint8_t{plan.trial});
  return out.take();
}

base::Expected<SpawnPlan> decode_plan(std::string_view bytes) {
  Decoder in(bytes);
  if (in.number<std::uint32_t>() != kMagic) {
    return base::fail_errno("not a spawn plan of this version", EPROTONOSUPPORT);
  }
  SpawnPlan plan;
  plan.program = in.text();
  plan.argv = in.texts();
  plan.environment = in.texts();
  plan.directory = in.text();
  if (in.number<std::uint8_t>() != 0) plan.open_files = in.number<std::uint64_t>();
  if (in.number<std::uint8_t>() != 0) plan.listener = kListenerFd;
  if (in.number<std::uint8_t>() != 0) plan.credentials = take_credentials(in);
  plan.cgroup = in.text();
  for_each_limit(plan.limits, [&in](auto& limit) { take(in, limit); });
  plan.umask = in.number<std::uint32_t>();
  plan.capabilities = in.number<std::uint64_t>();
  plan.no_new_privileges = in.number<std::uint8_t>() != 0;
  plan.private_tmp = in.number<std::uint8_t>() != 0;
  plan.read_only = in.texts();
  plan.trial = in.number<std::uint8_t>() != 0;
  if (!in.finished()) return base::fail_errno("the spawn plan is cut or too long", EBADMSG);
  return plan;
}

base::Expected<base::UniqueFd> seal_plan(const SpawnPlan& plan) {
  return base::seal(encode_plan(plan), kPlanName, kMostPlan);
}

base::Expected<SpawnPlan> read_sealed_plan(int fd) {
  auto bytes = base::read_sealed(fd, kPlanName, kMostPlan);
  return bytes ? decode_plan(*bytes) : std::unexpected(bytes.error());
}

}  // namespace gracevisor::spawn
