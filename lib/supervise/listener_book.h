// The addresses at which apps are reached: opens sockets, keeps them as long as a generation wants them, and
// maps hosts and paths to apps.
//
// Everything follows from the apps' specs: the book looks at them anew with each table. A definition is in
// force as long as any app has it; if an app is deployed with a different definition of the same name, that
// one comes into force once no other app uses the name. An address that all its apps have left begins to
// leave too: its connections keep their routes and each ends with its next answer; once the last has gone or
// the largest drain_timeout of its apps has passed, no table lists the address any more. If only routes leave
// and their address stays, the connections that were there before keep them in the same way. Thread: the
// supervisor's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervise/listener_claims.h"
#include "supervise/open_address.h"

namespace gracevisor::supervise {

class ListenerBook {
 public:
  // Addresses that were opened, or found open, for definitions that are not in force yet. If it is destroyed
  // without commit(), it closes the newly opened ones.
  class Opened;

  // `holder`, which may be null, holds the sockets for the next daemon.
  explicit ListenerBook(std::size_t workers, base::Holder* holder = nullptr);
  ListenerBook(const ListenerBook&) = delete;
  ListenerBook& operator=(const ListenerBook&) = delete;
  ~ListenerBook();

  // Opens the addresses of `listeners` that are not open yet; all or nothing. Addresses in use stay as they
  // are.
  [[nodiscard]] base::Expected<std::unique_ptr<Opened>> open(
      const std::vector<config::Listener>& listeners) const;
  // The same, as far as it can be said without listening anywhere.
  [[nodiscard]] base::Expected<void> could_open(const std::vector<config::Listener>& listeners) const;
  // The next table may list them.
  void commit(std::unique_ptr<Opened> opened);

  // Brings the book in line with what `apps` use, for the next table, which gets the number `moment.epoch`.
  // Indexes are rebuilt only when they change.
  struct Moment {
    base::Epoch epoch;
    base::TimePoint now;
  };
  void settle(const std::vector<ListenerUser>& apps, const Moment& moment);
  // What the next table says about the listeners, as of the last settle().
  [[nodiscard]] std::vector<routing::ListenerRoutes> listed() const;

  // An address at which an app should be reached but is not, as of the last table.
  struct Missing {
    base::AppId app;
    std::string listener;
    base::Address address;
  };
  [[nodiscard]] const std::vector<Missing>& missing() const { return missing_; }

  // What became of an address that leaves; each event is reported once.
  struct Event {
    enum class What : std::uint8_t { leaves, back, ended } what;
    std::string listener;
    std::string address;
    std::string detail;
  };
  [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }

  // Follows the addresses that leave: closes each once every worker has entered a table that lists it as
  // leaving, and forgets it when it is over. True if the next table would differ.
  [[nodiscard]] bool follow(base::Epoch entered, base::TimePoint now);
  // Is there anything to follow?
  [[nodiscard]] bool leaving() const;
  // The daemon shuts down: closes all addresses.
  void end_all();

  [[nodiscard]] const Definitions& in_force() const noexcept { return in_force_; }
  // The definition in force under this name; null: none.
  [[nodiscard]] const config::Listener* in_force(const std::string& name) const;
  // The addresses of a listener with their real ports; empty for an unknown name.
  [[nodiscard]] std::vector<std::string> addresses(const std::string& name) const;
  // The sockets of a listener's addresses, including addresses that only an Opened holds so far.
  [[nodiscard]] std::vector<SocketsRef> sockets(const config::Listener& listener) const;

 private:
  // One address that a table lists.
  struct Row {
    std::string key;
    OpenAddressRef open;  // null: closed, and only its connections are left
    SocketsRef sockets;
    ListenerRef definition;
    routing::AccessSinkRef access;
    std::vector<routing::HostIndex::Entry> entries;
    std::optional<base::AppId> fallback;
    std::optional<base::AppId> tcp;
    std::shared_ptr<const routing::HostIndex> index;
    base::Duration drain{};  // the largest drain_timeout of its apps
    struct Former {
      routing::HostIndex::Entry entry;
      base::TimePoint until;
    };
    std::vector<Former> former;
    std::shared_ptr<const routing::HostIndex> former_index;
    base::Epoch former_until;
    struct Leaving {
      base::Epoch since;
      base::TimePoint deadline;
    };
    std::optional<Leaving> leaving;
  };

  [[nodiscard]] Row* row_of(const Claim& claim);
  void serve(Row& row, const Claim& claim, const Moment& moment);
  static void reindex(Row& row, const Claim& claim, const Moment& moment);
  static void keep_former(Row& row, std::vector<routing::HostIndex::Entry> before, const Moment& moment,
                          base::Duration drain);
  void leave(Row& row, const Moment& moment);
  [[nodiscard]] OpenAddressRef find_open(const std::string& key) const;

  std::size_t workers_;
  base::Holder* holder_;
  Definitions in_force_;
  std::vector<std::unique_ptr<Row>> rows_;
  std::vector<OpenAddressRef> ready_;                           // until the next table
  std::vector<std::pair<base::Epoch, OpenAddressRef>> ending_;  // until all workers have entered that table
  mutable std::vector<std::weak_ptr<const OpenAddress>> known_;
  std::vector<Missing> missing_;
  std::vector<Event> events_;
  bool shut_ = false;  // everything has ended: from now on every table lists the same rows
};

class ListenerBook::Opened {
 public:
  explicit Opened(std::vector<OpenAddressRef> addresses) : addresses_(std::move(addresses)) {}

 private:
  friend class ListenerBook;
  std::vector<OpenAddressRef> addresses_;
};

}  // namespace gracevisor::supervise
