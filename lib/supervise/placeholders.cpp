#include "supervise/placeholders.h"

namespace gracevisor::supervise {

config::Values values_of(const Spec& spec, const Placement& placement) {
  config::Values values;
  if (placement.port.value() != 0) values.emplace("port", std::to_string(placement.port.value()));
  values.emplace("directory", spec.directory.string());
  values.emplace("app", spec.app.name);
  values.emplace("slot", std::to_string(placement.slot.value()));
  values.emplace("generation", std::to_string(placement.generation.value()));
  return values;
}

Placement sample_placement(const Spec& spec) {
  bool has_port = spec.app.endpoint == config::EndpointKind::port;
  return {base::GenerationId(1), base::Slot(1), base::Port(has_port ? 1 : 0)};
}

bool varies(const Spec& spec, std::string_view text) {
  Placement one = sample_placement(spec);
  Placement other{one.generation.next(), one.slot.next(), one.port.value() == 0 ? one.port : one.port.next()};
  auto first = config::substitute(text, values_of(spec, one));
  auto second = config::substitute(text, values_of(spec, other));
  return first && second && *first != *second;
}

base::Expected<std::string> fill(std::string_view text, const config::Values& values) {
  auto filled = config::substitute(text, values);
  if (!filled && !values.contains("port")) {
    config::Values with_port = values;
    with_port.emplace("port", "0");
    if (config::substitute(text, with_port)) return base::fail("an app without endpoint has no {port}");
  }
  // It would cut the word short on its way to the program.
  if (filled && filled->find('\0') != std::string::npos) return base::fail("holds a NUL byte");
  return filled;
}

}  // namespace gracevisor::supervise
