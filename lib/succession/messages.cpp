#include "succession/messages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/json.h"
#include "succession/cbor.h"

namespace gracevisor::succession {
namespace {

using nlohmann::json;

// CBOR (RFC 8949), because lines may hold any bytes.

// Bytes that need not be text.
json bytes_of(const std::string& text) {
  return json::binary({text.begin(), text.end()});
}

json tree(const InstanceName& name) {
  return {
      {"app", name.app}, {"generation", name.generation}, {"slot", name.slot}, {"life", name.incarnation}};
}

json tree(const Routes::Target& target);
json tree(const Routes::Leaving& leaving);
json tree(const Routes::App& app);
json tree(const OutputRead::Rest& rest);

template <class T>
json trees(const std::vector<T>& list) {
  json all = json::array();
  for (const T& one : list) all.push_back(tree(one));
  return all;
}

json tree(const Routes::Target& target) {
  return {{"instance", tree(target.instance)}, {"address", target.address}, {"owner", target.owner}};
}
json tree(const Routes::Leaving& leaving) {
  return {{"instance", tree(leaving.instance)}, {"closing", leaving.closing}};
}
json tree(const Routes::App& app) {
  return {{"name", app.name},
          {"mode", app.mode},
          {"generation", app.generation},
          {"targets", trees(app.targets)},
          {"leaving", trees(app.leaving)}};
}
json tree(const OutputRead::Rest& rest) {
  return {{"instance", tree(rest.instance)},
          {"out", bytes_of(rest.out)},
          {"err", bytes_of(rest.err)},
          {"out_goes_on", rest.out_goes_on},
          {"err_goes_on", rest.err_goes_on}};
}

json tree(const Said& said) {
  return {{"kind", "said"}, {"line", bytes_of(said.line)}};
}
json tree(const Reattached& up) {
  return {{"kind", "reattached"},
          {"version", up.version},
          {"apps", up.apps},
          {"instances", up.instances},
          {"listeners", up.listeners}};
}
json tree(const Accepting& /*accepting*/) {
  return {{"kind", "accepting"}};
}
json tree(const Routes& routes) {
  json listeners = json::array();
  for (const std::string& one : routes.listeners) listeners.push_back(one);
  return {{"kind", "routes"},
          {"serial", routes.serial},
          {"apps", trees(routes.apps)},
          {"listeners", std::move(listeners)}};
}
json tree(const Clients& clients) {
  return {{"kind", "clients"}, {"pid", clients.pid}, {"version", clients.version}};
}
json tree(const OutputRead& read) {
  return {{"kind", "output"}, {"rests", trees(read.rests)}};
}
json tree(const InUse& use) {
  return {{"kind", "in-use"},
          {"routes", use.routes},
          {"instances", trees(use.instances)},
          {"connections", use.connections},
          {"tunnels", use.tunnels}};
}

// Reads the fields of one object. One that is missing leaves its value as it was; one of another kind makes
// the whole unsound.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object), sound_(object.is_object()) {}
  [[nodiscard]] bool sound() const { return sound_; }

  void get(const char* name, std::uint64_t& value) {
    if (const json* found = find(name)) sound_ = base::take_value(*found, value);
  }
  void get(const char* name, bool& value) {
    if (const json* found = find(name)) sound_ = base::take_value(*found, value);
  }
  void get(const char* name, std::string& value) {
    if (const json* found = find(name)) sound_ = take(*found, value);
  }
  template <class T>
  void get(const char* name, std::vector<T>& list) {
    const json* found = find(name);
    if (found == nullptr) return;
    sound_ = found->is_array();
    for (std::size_t i = 0; sound_ && i < found->size(); ++i) {
      T one;
      sound_ = take((*found)[i], one);
      list.push_back(std::move(one));
    }
  }
  template <class T>
    requires std::is_class_v<T>
  void get(const char* name, T& value) {
    if (const json* found = find(name)) sound_ = take(*found, value);
  }

 private:
  [[nodiscard]] const json* find(const char* name) const {
    if (!sound_) return nullptr;
    const auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
  }
  static bool take(const json& found, std::string& value) {
    if (const auto* text = found.get_ptr<const json::string_t*>()) {
      value = *text;
    } else if (const auto* bytes = found.get_ptr<const json::binary_t*>()) {
      value.assign(bytes->begin(), bytes->end());
    } else {
      return false;
    }
    return true;
  }
  template <class T>
  static bool take(const json& found, T& value) {
    Fields fields(found);
    read(fields, value);
    return fields.sound();
  }

  static void read(Fields& from, InstanceName& name) {
    from.get("app", name.app);
    from.get("generation", name.generation);
    from.get("slot", name.slot);
    from.get("life", name.incarnation);
  }
  static void read(Fields& from, Routes::Target& target) {
    from.get("instance", target.instance);
    from.get("address", target.address);
    from.get("owner", target.owner);
  }
  static void read(Fields& from, Routes::Leaving& leaving) {
    from.get("instance", leaving.instance);
    from.get("closing", leaving.closing);
  }
  static void read(Fields& from, Routes::App& app) {
    from.get("name", app.name);
    from.get("mode", app.mode);
    from.get("generation", app.generation);
    from.get("targets", app.targets);
    from.get("leaving", app.leaving);
  }
  static void read(Fields& from, OutputRead::Rest& rest) {
    from.get("instance", rest.instance);
    from.get("out", rest.out);
    from.get("err", rest.err);
    from.get("out_goes_on", rest.out_goes_on);
    from.get("err_goes_on", rest.err_goes_on);
  }

  const json& object_;
  bool sound_;
};

template <class T>
std::optional<Message> when_sound(const Fields& fields, T message) {
  if (!fields.sound()) return std::nullopt;
  return Message(std::move(message));
}

std::optional<Message> read_reattached(Fields& fields) {
  Reattached up;
  fields.get("version", up.version);
  fields.get("apps", up.apps);
  fields.get("instances", up.instances);
  fields.get("listeners", up.listeners);
  return when_sound(fields, std::move(up));
}

std::optional<Message> read_routes(Fields& fields) {
  Routes routes;
  fields.get("serial", routes.serial);
  fields.get("apps", routes.apps);
  fields.get("listeners", routes.listeners);
  return when_sound(fields, std::move(routes));
}

std::optional<Message> read_in_use(Fields& fields) {
  InUse use;
  fields.get("routes", use.routes);
  fields.get("instances", use.instances);
  fields.get("connections", use.connections);
  fields.get("tunnels", use.tunnels);
  return when_sound(fields, std::move(use));
}

}  // namespace

std::string to_bytes(const Message& message) {
  std::string bytes;
  json::to_cbor(std::visit([](const auto& one) { return tree(one); }, message), bytes);
  return bytes;
}

std::optional<Message> from_bytes(const std::string& bytes, base::UniqueFd socket) {
  const auto object = read_cbor(bytes);
  if (!object) return std::nullopt;
  Fields fields(*object);
  std::string kind;
  fields.get("kind", kind);
  if (!fields.sound()) return std::nullopt;
  if (kind == "said") {
    Said said;
    fields.get("line", said.line);
    return when_sound(fields, std::move(said));
  }
  if (kind == "reattached") return read_reattached(fields);
  if (kind == "accepting") return Message(Accepting{});
  if (kind == "routes") return read_routes(fields);
  if (kind == "clients" && socket) {
    Clients clients{.socket = std::move(socket), .pid = 0, .version = {}};
    fields.get("pid", clients.pid);
    fields.get("version", clients.version);
    return when_sound(fields, std::move(clients));
  }
  if (kind == "output") {
    OutputRead read;
    fields.get("rests", read.rests);
    return when_sound(fields, std::move(read));
  }
  if (kind == "in-use") return read_in_use(fields);
  return std::nullopt;
}

}  // namespace gracevisor::succession
