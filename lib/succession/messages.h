// What a daemon and its successor tell each other (channel.h), beside the clients' connections
// (client_channel.h). Each message is whole: the newest of a kind replaces those before. They name apps and
// instances as people do, since numbers of one daemon mean nothing to another.
// Written by this program in some version: fields that a reader does not know are ignored, and missing ones
// mean what they meant before. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/unique_fd.h"

namespace gracevisor::succession {

// One life of one instance.
struct InstanceName {
  std::string app;
  std::uint64_t generation = 0;
  std::uint64_t slot = 0;
  std::uint64_t incarnation = 0;
  auto operator<=>(const InstanceName&) const = default;
};

// From the successor, before its commit.
// A line of its log, for whoever waits for the upgrade.
struct Said {
  std::string line;
  bool operator==(const Said&) const = default;
};
// All is up: its commit follows.
struct Reattached {
  std::string version;
  std::uint64_t apps = 0;
  std::uint64_t instances = 0;
  std::uint64_t listeners = 0;
  bool operator==(const Reattached&) const = default;
};

// From the successor, once it is the owner.
// Its workers accept: the predecessor stops accepting, and passes its clients on.
struct Accepting {
  bool operator==(const Accepting&) const = default;
};
// How requests are served, for those that the predecessor still has.
struct Routes {
  struct Target {
    InstanceName instance;
    std::string address;      // as base::Address::text() has it
    std::uint64_t owner = 0;  // the user who must listen there, plus 1; 0: anyone
    bool operator==(const Target&) const = default;
  };
  struct Leaving {
    InstanceName instance;
    bool closing = false;  // no time is left: what is under way there is cut
    bool operator==(const Leaving&) const = default;
  };
  struct App {
    std::string name;
    std::string mode;  // "live", "hold", "stopped", "crash-loop"
    std::uint64_t generation = 0;
    std::vector<Target> targets;
    std::vector<Leaving> leaving;
    bool operator==(const App&) const = default;
  };
  std::uint64_t serial = 0;  // grows
  std::vector<App> apps;
  std::vector<std::string> listeners;  // the addresses that are served on
  bool operator==(const Routes&) const = default;
};

// From the predecessor.
// Who it is, and where its clients' connections will come from: one end of a SOCK_SEQPACKET socket.
struct Clients {
  base::UniqueFd socket;
  std::uint64_t pid = 0;
  std::string version;
};
// It reads no output any more. What it had read, and not passed on as whole lines.
struct OutputRead {
  struct Rest {
    InstanceName instance;
    std::string out;
    std::string err;
    // The line's beginning is what the log file ends with.
    bool out_goes_on = false;
    bool err_goes_on = false;
    bool operator==(const Rest&) const = default;
  };
  std::vector<Rest> rests;
  bool operator==(const OutputRead&) const = default;
};
// What it still uses.
struct InUse {
  std::uint64_t routes = 0;             // the serial of those that all its workers follow
  std::vector<InstanceName> instances;  // that it may still touch
  std::uint64_t connections = 0;
  std::uint64_t tunnels = 0;  // of these: WebSockets, TCP connections
  bool operator==(const InUse&) const = default;
};

using Message = std::variant<Said, Reattached, Accepting, Routes, Clients, OutputRead, InUse>;

// The bytes of a message, without its descriptor; and back. Unset: they are no message that this version
// knows, or a field is of the wrong kind. `socket` becomes that of Clients.
[[nodiscard]] std::string to_bytes(const Message& message);
[[nodiscard]] std::optional<Message> from_bytes(const std::string& bytes, base::UniqueFd socket);

}  // namespace gracevisor::succession
