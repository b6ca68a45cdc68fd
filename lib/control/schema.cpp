#include "control/schema.h"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <utility>

#include "control/messages.h"

namespace gracevisor::control {
namespace {

using OrderedJson = nlohmann::ordered_json;

// A visitor of the tables: what each member's type is in JSON.
class SchemaWriter {
 public:
  template <class M>
  [[nodiscard]] static OrderedJson of() {
    SchemaWriter writer;
    M message;
    fields(writer, message);
    OrderedJson schema{{"type", "object"},
                       {"properties", std::move(writer.properties_)},
                       {"required", std::move(writer.required_)}};
    // Only these have members that are not in the table.
    schema["additionalProperties"] = writer.open_;
    return schema;
  }

  void object(std::string_view /*called*/) {}
  template <class T>
  void operator()(std::string_view name, const T& member) {
    properties_[std::string(name)] = type_of(member);
    required_.push_back(name);
  }
  template <class T>
  void sparse(std::string_view name, const T& member) {
    properties_[std::string(name)] = type_of(member);
  }
  void further(const auto& /*message*/, const auto& /*members*/) { open_ = true; }

 private:
  [[nodiscard]] static OrderedJson type_of(const bool& /*value*/) { return {{"type", "boolean"}}; }
  [[nodiscard]] static OrderedJson type_of(const double& /*value*/) { return {{"type", "number"}}; }
  [[nodiscard]] static OrderedJson type_of(const std::string& /*value*/) { return {{"type", "string"}}; }
  [[nodiscard]] static OrderedJson type_of(const ExitCode& /*value*/) { return {{"type", "integer"}}; }
  template <std::integral T>
  [[nodiscard]] static OrderedJson type_of(const T& /*value*/) {
    OrderedJson type{{"type", "integer"}};
    if constexpr (std::unsigned_integral<T>) type["minimum"] = 0;
    return type;
  }
  template <class T>
  [[nodiscard]] static OrderedJson type_of(const std::optional<T>& /*value*/) {
    OrderedJson type = type_of(T());
    type["type"] = OrderedJson::array({type["type"], "null"});
    return type;
  }
  template <class T>
  [[nodiscard]] static OrderedJson type_of(const std::vector<T>& /*value*/) {
    return {{"type", "array"}, {"items", type_of(T())}};
  }
  template <class M>
    requires requires(SchemaWriter& writer, M& message) { fields(writer, message); }
  [[nodiscard]] static OrderedJson type_of(const M& /*value*/) {
    return of<M>();
  }

  OrderedJson properties_ = OrderedJson::object();
  OrderedJson required_ = OrderedJson::array();
  bool open_ = false;
};

struct Named {
  std::string_view name;
  OrderedJson (*make)();
  std::string_view title;
};
const Named kSchemas[] = {
    {"status", SchemaWriter::of<StatusReport>, "gvctl --json status"},
    {"report", SchemaWriter::of<ReportLine>, "one line of gvctl --json deploy, start, stop, reload, …"},
    {"logs", SchemaWriter::of<LogLine>, "one line of gvctl --json logs"},
    {"history", SchemaWriter::of<History>, "gvctl --json history"},
    {"environment", SchemaWriter::of<Environment>, "gvctl --json env"},
    {"settings", SchemaWriter::of<Settings>, "gvctl --json show"},
    {"check", SchemaWriter::of<FileCheck>, "gvctl --json check"},
    {"version", SchemaWriter::of<Version>, "gvctl --json version"},
    {"error", SchemaWriter::of<Error>, "what any command prints instead when it is refused"},
};

}  // namespace

std::vector<std::string_view> schema_names() {
  std::vector<std::string_view> names;
  for (const Named& one : kSchemas) names.push_back(one.name);
  return names;
}

std::optional<std::string> schema_text(std::string_view name) {
  for (const Named& one : kSchemas) {
    if (one.name != name) continue;
    OrderedJson schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", one.title}};
    schema.update(one.make());
    return schema.dump(2) + "\n";
  }
  return std::nullopt;
}

}  // namespace gracevisor::control
