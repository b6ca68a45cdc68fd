#include "spec/placeholders.h"

namespace gracevisor::spec {

config::Values values_of(const Spec& spec, const Placement& placement) {
  config::Values values;
  if (placement.port.value() != 0) values.emplace("port", std::to_string(placement.port.value()));
  if (!placement.socket.empty()) values.emplace("socket", placement.socket);
  values.emplace("directory", spec.directory.string());
  values.emplace("app", spec.app.name);
  values.emplace("slot", std::to_string(placement.slot.value()));
  values.emplace("generation", std::to_string(placement.generation.value()));
  return values;
}

Placement sample_placement(const Spec& spec) {
  bool has_port = spec.app.endpoint == config::EndpointKind::port;
  bool has_socket = config::is_unix(spec.app.endpoint);
  return {base::GenerationId(1), base::Slot(1), base::Port(has_port ? 1 : 0), has_socket ? "/1.sock" : ""};
}

bool varies(const Spec& spec, std::string_view text) {
  Placement one = sample_placement(spec);
  Placement other{one.generation.next(), one.slot.next(), one.port.value() == 0 ? one.port : one.port.next(),
                  one.socket.empty() ? "" : "/2.sock"};
  auto first = config::substitute(text, values_of(spec, one));
  auto second = config::substitute(text, values_of(spec, other));
  return first && second && *first != *second;
}

namespace {

// Why a known placeholder has no value; empty when the text has a different fault.
std::string missing_value(std::string_view text, const config::Values& values) {
  config::Values all = values;
  for (const char* name : {"port", "socket"}) all.try_emplace(name, "0");
  if (!config::substitute(text, all)) return {};
  const char* app = values.contains("port")     ? "an app on a port"
                    : values.contains("socket") ? "an app on a Unix socket"
                                                : "an app without endpoint";
  for (const char* name : {"port", "socket"}) {
    if (values.contains(name)) continue;
    config::Values others = all;
    others.erase(name);
    if (!config::substitute(text, others)) return std::string(app) + " has no {" + name + "}";
  }
  return {};
}

}  // namespace

base::Expected<std::string> fill(std::string_view text, const config::Values& values) {
  auto filled = config::substitute(text, values);
  if (!filled) {
    if (auto why = missing_value(text, values); !why.empty()) return base::fail(why);
  }
  // It would cut off the word on its way to the program.
  if (filled && filled->find('\0') != std::string::npos) return base::fail("holds a NUL byte");
  return filled;
}

}  // namespace gracevisor::spec
