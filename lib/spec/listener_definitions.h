// Definitions of listeners as values: finding, making and describing them. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace gracevisor::spec {

// Null if no listener has this name.
[[nodiscard]] const config::Listener* find_listener(const std::vector<config::Listener>& listeners,
                                                    const std::string& name);

// The listeners in `all` through which clients reach the app: those named in `listen`, and those whose
// default app it is.
[[nodiscard]] std::vector<config::Listener> listeners_of(const config::App& app,
                                                         const std::vector<config::Listener>& all);
// Does the app's configuration name the listener, regardless of the listener's definition?
[[nodiscard]] bool names(const config::App& app, const std::string& listener);

// The definition of a listener that is an app's own address, and so is named by that address; unset if
// `name` is not an address.
[[nodiscard]] std::optional<config::Listener> own_address(const std::string& name);

// "127.0.0.1:80, [::1]:80"
[[nodiscard]] std::string addresses_text(const config::Listener& listener);

}  // namespace gracevisor::spec
