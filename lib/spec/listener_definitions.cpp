#include "spec/listener_definitions.h"

#include <algorithm>

namespace gracevisor::spec {
namespace {

using config::Listener;

struct Field {
  const char* name;  // as in the configuration file
  bool (*same)(const Listener&, const Listener&);
};

template <auto Member>
bool same(const Listener& a, const Listener& b) {
  return a.*Member == b.*Member;
}

bool same_proxies(const Listener& a, const Listener& b) {
  return std::ranges::equal(a.trusted_proxies, b.trusted_proxies, [](const auto& one, const auto& other) {
    return one.network == other.network && one.prefix == other.prefix;
  });
}

// Every key of a listener except its name. The function below keeps the table complete.
constexpr Field kFields[] = {
    {"address", same<&Listener::addresses>},
    {"default", same<&Listener::default_app>},
    {"trusted_proxies", same_proxies},
    {"proxy_protocol", same<&Listener::proxy_protocol>},
    {"head_timeout", same<&Listener::head_timeout>},
    {"idle_timeout", same<&Listener::idle_timeout>},
    {"max_target", same<&Listener::max_target>},
    {"max_head", same<&Listener::max_head>},
    {"max_field", same<&Listener::max_field>},
    {"max_fields", same<&Listener::max_fields>},
    {"targets", same<&Listener::targets>},
    {"read_ahead", same<&Listener::read_ahead>},
    {"max_connections_per_client", same<&Listener::max_connections_per_client>},
    {"access_log", same<&Listener::access_log>},
    {"access_format", same<&Listener::access_format>},
};

// An added member breaks this line; add it to kFields too.
[[maybe_unused]] void every_member_is_listed(const Listener& listener) {
  [[maybe_unused]] const auto& [name, addresses, default_app, trusted_proxies, proxy_protocol, head_timeout,
                                idle_timeout, max_target, max_head, max_field, max_fields, targets,
                                read_ahead, max_connections_per_client, access_log, access_format, source] =
      listener;
}

}  // namespace

const Listener* find_listener(const std::vector<Listener>& listeners, const std::string& name) {
  auto it = std::ranges::find(listeners, name, &Listener::name);
  return it == listeners.end() ? nullptr : &*it;
}

bool names(const config::App& app, const std::string& listener) {
  return std::ranges::find(app.listen, listener) != app.listen.end();
}

std::vector<Listener> listeners_of(const config::App& app, const std::vector<Listener>& all) {
  std::vector<Listener> result;
  std::ranges::copy_if(all, std::back_inserter(result), [&](const Listener& listener) {
    return names(app, listener.name) || listener.default_app == app.name;
  });
  return result;
}

std::vector<std::string> differences(const Listener& from, const Listener& to) {
  std::vector<std::string> result;
  for (const Field& field : kFields) {
    if (!field.same(from, to)) result.emplace_back(field.name);
  }
  return result;
}

std::optional<Listener> own_address(const std::string& name) {
  auto address = base::Address::parse(name);
  if (!address) return std::nullopt;
  Listener listener;
  listener.name = name;
  listener.addresses = {*address};
  return listener;
}

std::string addresses_text(const Listener& listener) {
  std::string text;
  for (const base::Address& address : listener.addresses) text += (text.empty() ? "" : ", ") + address.text();
  return text;
}

}  // namespace gracevisor::spec
