// Definitions of listeners as values: found, compared, and told in words. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace gracevisor::spec {

// Null: none has this name.
[[nodiscard]] const config::Listener* find_listener(const std::vector<config::Listener>& listeners,
                                                    const std::string& name);

// Those of `all` that the app's clients reach it by: each name in `listen`, and those whose default it is.
[[nodiscard]] std::vector<config::Listener> listeners_of(const config::App& app,
                                                         const std::vector<config::Listener>& all);
// Does the app's configuration name the listener, whatever its definition?
[[nodiscard]] bool names(const config::App& app, const std::string& listener);

// The keys that differ, as in the configuration file; where it stands there does not count.
[[nodiscard]] std::vector<std::string> differences(const config::Listener& from, const config::Listener& to);

// The definition of a listener that is an address of an app's own, and so is named by it; unset: no address.
[[nodiscard]] std::optional<config::Listener> own_address(const std::string& name);

// "127.0.0.1:80, [::1]:80"
[[nodiscard]] std::string addresses_text(const config::Listener& listener);

}  // namespace gracevisor::spec
