#include "spec/process_record.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <system_error>

#include "base/file.h"
#include "spec/state_json.h"

namespace gracevisor::spec {
namespace {

constexpr std::uint64_t kProcessRecordVersion = 1;
constexpr std::size_t kMaxProcessRecord = 16U << 20;
constexpr std::size_t kMaxProcesses = 100'000;
constexpr std::size_t kMaxRungs = 16;  // as in a configuration
constexpr std::size_t kBootId = 4096;

std::optional<std::string> text_of(const Json& object, const char* key) {
  auto found = object.find(key);
  return found == object.end() ? std::nullopt : string_from_json(*found);
}

bool sound(const config::Stop& stop) {
  if (stop.ladder.empty() || stop.ladder.size() > kMaxRungs) return false;
  return std::ranges::all_of(stop.ladder, [](const config::StopStep& step) {
    return step.signal > 0 && step.signal <= 64 && step.wait >= base::Millis(0) &&
           step.wait <= std::chrono::hours(24);
  });
}

std::optional<RecordedProcess> read_process(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  auto app = text_of(json, "app");
  auto instance = text_of(json, "instance");
  auto pid = number_from_json(json, "pid");
  auto started = number_from_json(json, "started");
  // 0 and 1 were never children of ours, and -1 would mean every process.
  bool whole = app && instance && pid && started && *pid > 1 &&
               *pid <= static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max());
  if (!whole || !json.contains("stop")) return std::nullopt;
  RecordedProcess process{*app, *instance, static_cast<pid_t>(*pid), *started, {}};
  StateReader reader;
  if (!reader.decode(json["stop"], process.stop) || !sound(process.stop)) return std::nullopt;
  return process;
}

}  // namespace

std::string to_text(const ProcessRecord& record) {
  Json json;
  json["version"] = kProcessRecordVersion;
  json["boot"] = string_to_json(record.boot);
  Json& processes = json["processes"] = Json::array();
  for (const auto& process : record.processes) {
    Json entry;
    entry["app"] = string_to_json(process.app);
    entry["instance"] = string_to_json(process.instance);
    entry["pid"] = static_cast<std::uint64_t>(process.pid);
    entry["started"] = process.started;
    entry["stop"] = StateWriter::encode(process.stop);
    processes.push_back(std::move(entry));
  }
  return json.dump() + "\n";
}

base::Expected<ProcessRecord> record_from_text(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  if (number_from_json(json, "version") != kProcessRecordVersion)
    return base::fail("damaged, or of an unknown version");
  auto boot = text_of(json, "boot");
  auto processes = json.find("processes");
  if (!boot || processes == json.end() || !processes->is_array() || processes->size() > kMaxProcesses) {
    return base::fail("damaged: boot or processes is missing");
  }
  ProcessRecord record{*boot, {}};
  for (const Json& entry : *processes) {
    auto process = read_process(entry);
    if (!process) return base::fail("damaged: a process is not whole");
    record.processes.push_back(std::move(*process));
  }
  return record;
}

std::filesystem::path record_path(const std::filesystem::path& state_dir) {
  return state_dir / "processes.json";
}

std::string boot_id() {
  auto id = base::read_file("/proc/sys/kernel/random/boot_id", kBootId);
  std::error_code hidden;
  auto numbers = std::filesystem::read_symlink("/proc/self/ns/pid", hidden);
  if (!id || hidden) return {};
  // A restarted container starts counting again.
  return id->substr(0, id->find('\n')) + " " + numbers.string();
}

base::Expected<ProcessRecord> load_record(const std::filesystem::path& state_dir) {
  std::filesystem::path file = record_path(state_dir);
  auto text = base::read_file(file, kMaxProcessRecord);
  if (!text && text.error().code == ENOENT) return ProcessRecord{};
  if (!text) return std::unexpected(text.error());
  auto record = record_from_text(*text);
  if (!record) return base::fail(file.string() + ": " + record.error().what);
  if (record->boot.empty() || record->boot != boot_id()) return ProcessRecord{};
  return record;
}

}  // namespace gracevisor::spec
