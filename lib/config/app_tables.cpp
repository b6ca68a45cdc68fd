// [app.NAME]: its own keys, and [deploy] and [restart] below it.
#include "config/tables.h"

namespace gracevisor::config {
namespace {

constexpr Millis kInstant{0};
constexpr Millis kTick{10};

constexpr Choice<Restart::Policy> kPolicies[] = {{"always", Restart::Policy::always},
                                                 {"on-failure", Restart::Policy::on_failure},
                                                 {"never", Restart::Policy::never}};

constexpr Choice<Deploy::Upgraded> kUpgraded[] = {
    {"close", Deploy::Upgraded::close}, {"wait", Deploy::Upgraded::wait}, {"now", Deploy::Upgraded::now}};

void read_keep_previous(Reading& reading, const Item& item, Deploy&) {
  if (auto value = reading.duration(item, {kInstant, kDay}); value && *value != kInstant) {
    reading.not_supported(item);
  }
}

void read_limits(Reading& reading, const Item& item, App&) {
  const Table* table = reading.table(item);
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    reading.error(entry.source, item.path + "." + key_text(entry.key), "not supported by this version");
  }
}

Section no_limits(std::string path, const App&) {
  return {std::move(path), {}, {}, {}};
}

}  // namespace

Fields<Deploy> deploy_fields() {
  return {
      fixed_word_field<Deploy>("strategy", "blue-green", {"rolling", "replace"}, "all new beside all old"),
      duration_field("timeout", &Deploy::timeout, {kTick, kDay}, "spawn until all instances are healthy"),
      duration_field("guard", &Deploy::guard, {kInstant, kDay},
                     "old generation kept running, unrouted, ready to be swapped back"),
      duration_field("guard_interval", &Deploy::guard_interval, {kTick, kDay}, "probes while guarding"),
      duration_or_auto_field("drain_timeout", &Deploy::drain_timeout, {kInstant, kDay},
                             R"("auto": proxy_options.request_timeout + 5 s)"),
      choice_field(
          "upgraded", &Deploy::upgraded, kUpgraded,
          R"(WebSockets at cutover: closed gradually; or "wait", until the drain deadline, or "now")"),
      duration_field(
          "hold", &Deploy::hold, {kInstant, kDay},
          "longest wait of a request while no instance can take it but one is due; 0: 503 at once"),
      {"keep_previous", "how long an old generation stays after its guard", read_keep_previous,
       [](const Deploy&) { return std::string(R"("0s")"); }},
      duration_field("settle", &Deploy::settle, {kInstant, kDay},
                     "an app without endpoint counts as healthy after running this long")};
}

Fields<Restart> restart_fields() {
  return {choice_field("policy", &Restart::policy, kPolicies, R"(or "on-failure", "never")"),
          duration_field("backoff", &Restart::backoff, {kTick, kDay},
                         "doubles, with jitter, to backoff_max; forgotten after stable_after"),
          duration_field("backoff_max", &Restart::backoff_max, {kTick, kDay}, "the longest pause"),
          duration_field("stable_after", &Restart::stable_after, {kInstant, kDay},
                         "an instance that lived so long has not failed to start"),
          number_field("max_failures", &Restart::max_failures, {0, 1'000'000},
                       "0: retry for ever; n: give up after n failures in a row")};
}

Fields<App> app_fields() {
  Fields<App> fields;
  add_process_fields(fields);
  add_routing_fields(fields);
  fields.push_back(health_field());
  fields.push_back(table_field("deploy", &App::deploy, deploy_fields(), {}));
  fields.push_back(table_field("restart", &App::restart, restart_fields(),
                               "replacement of instances that exit by themselves"));
  fields.push_back(stop_field());
  fields.emplace_back("limits", "nofile, core, memory, ...: untouched in this version", read_limits, nullptr,
                      std::string_view(), no_limits);
  fields.push_back(app_log_field());
  fields.push_back(table_field("proxy_options", &App::proxy_options, proxy_options_fields(),
                               "how the proxy treats the app's requests"));
  return fields;
}

}  // namespace gracevisor::config
