#include "spec/listener_definitions.h"

#include <algorithm>

namespace gracevisor::spec {
using config::Listener;

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
