#include "supervise/app_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "routing/endpoint.h"

namespace gracevisor::supervise {
namespace {

using Source = Variable::Source;

Source source_of(const spec::Spec& spec, const std::string& name) {
  constexpr std::array<std::string_view, 4> kOfUser = {"HOME", "USER", "LOGNAME", "SHELL"};
  if (spec.app.environment.contains(name)) return Source::environment;
  if (std::ranges::find(spec.inherited, name) != spec.inherited.end()) return Source::daemon;
  if (std::ranges::find(kOfUser, name) != kOfUser.end()) return Source::user;
  return spec.environment.contains(name) ? Source::environment_file : Source::gracevisor;
}

}  // namespace

std::string_view text(Source source) {
  switch (source) {
    case Source::environment: return "environment";
    case Source::environment_file: return "environment_file";
    case Source::user: return "user";
    case Source::daemon: return "daemon";
    case Source::gracevisor: return "gracevisor";
  }
  return "";
}

base::Expected<AppEnvironment> environment_of(const spec::Spec& spec, const spec::Placement& placement) {
  auto plan = spec::plan(spec, placement);
  if (!plan) return std::unexpected(plan.error());
  AppEnvironment result{
      fmt::format("{}@{}", spec.app.name, routing::instance_name(placement.generation, placement.slot)), {}};
  for (const std::string& entry : plan->environment) {
    const std::size_t equals = std::min(entry.find('='), entry.size());
    std::string name = entry.substr(0, equals);
    const Source source = source_of(spec, name);
    result.variables.push_back({std::move(name), entry.substr(std::min(equals + 1, entry.size())), source});
  }
  std::ranges::sort(result.variables, {}, &Variable::name);
  return result;
}

}  // namespace gracevisor::supervise
