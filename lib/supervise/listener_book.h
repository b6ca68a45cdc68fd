// The addresses at which apps are reached: opens sockets, keeps them as long as a generation wants them, and
// maps hosts and paths to apps.
//
// Everything follows from the apps' specs: the book looks at them anew with each table. A definition is in
// force as long as any app has it; an app deployed with a different definition of the same name gets it into
// force once no other app uses that name. An address that all its apps have left leaves in turn: its
// connections keep their routes, each ends with its next answer, and when the last has gone or the largest
// drain_timeout of its apps has passed, no table lists it any more. Routes that leave an address that stays
// are kept in the same way, for the connections that were there before. Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervise/open_address.h"

namespace gracevisor::supervise {

// An app as its clients see it.
struct Face {
  const config::App* config = nullptr;  // null: none
  const std::vector<config::Listener>* listeners = nullptr;
};

// One app as the listeners need it.
struct FacingApp {
  base::AppId id;
  const config::App* config = nullptr;
  const std::vector<config::Listener>* listeners = nullptr;
  // While a deploy may still be cut back: what a cut-back would return to. Addresses that only this has stay
  // open, with its routes.
  Face former = {};
};

class ListenerBook {
 public:
  // Addresses that were opened, or found open, for what is not in force yet. Destroyed without commit(), it
  // closes the new ones.
  class Opened;

  explicit ListenerBook(std::size_t workers);
  ListenerBook(const ListenerBook&) = delete;
  ListenerBook& operator=(const ListenerBook&) = delete;
  ~ListenerBook();

  // Opens the addresses of `listeners` that are not open yet; all or nothing. What is in use stays as it is.
  [[nodiscard]] base::Expected<std::unique_ptr<Opened>> open(
      const std::vector<config::Listener>& listeners) const;
  // The next table may list them.
  void commit(std::unique_ptr<Opened> opened);

  // Brings the book in line with what `apps` use, for the next table, `epoch`. Indexes are rebuilt only when
  // they change.
  struct Moment {
    base::Epoch epoch;
    base::TimePoint now;
  };
  void settle(const std::vector<FacingApp>& apps, const Moment& moment);
  // What the next table says about the listeners, as of the last settle().
  [[nodiscard]] std::vector<routing::ListenerRoutes> listed() const;

  // An address at which an app should be reached but is not, as of the last table.
  struct Missing {
    base::AppId app;
    std::string listener;
    base::Address address;
  };
  [[nodiscard]] const std::vector<Missing>& missing() const { return missing_; }

  // What became of those that leave; reported once.
  struct Event {
    enum class What : std::uint8_t { leaves, back, ended } what;
    std::string listener;
    std::string address;
    std::string detail;
  };
  [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }

  // Follows those that leave: closes them once every worker has entered a table that lists them as leaving,
  // and forgets what is over. True when the next table would differ.
  [[nodiscard]] bool follow(base::Epoch entered, base::TimePoint now);
  // Is there anything to follow?
  [[nodiscard]] bool leaving() const;
  // The daemon shuts down: ends all of them.
  void end_all();

  // The definition in force under this name; null: none.
  [[nodiscard]] const config::Listener* in_force(const std::string& name) const;
  // The addresses of a listener with their real ports; empty for an unknown name.
  [[nodiscard]] std::vector<std::string> addresses(const std::string& name) const;
  // The sockets of those, or of addresses that are so far held only by an Opened.
  [[nodiscard]] std::vector<SocketsRef> sockets(const config::Listener& listener) const;

 private:
  using ListenerRef = std::shared_ptr<const config::Listener>;
  // One address that a table lists.
  struct Place {
    std::string key;
    OpenAddressRef open;  // null: closed, and only its connections are left
    SocketsRef sockets;
    ListenerRef definition;
    routing::AccessSinkRef access;
    std::vector<routing::HostIndex::Entry> entries;
    std::optional<base::AppId> fallback;
    std::optional<base::AppId> tcp;
    std::shared_ptr<const routing::HostIndex> index;
    base::Duration drain{};  // the largest of its apps
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
  // One address as the specs want it.
  struct Claim {
    std::string key;
    base::Address address;
    std::vector<ListenerRef> definitions;  // one of them is in force for it
    std::vector<std::pair<base::AppId, Face>> users;
  };

  void settle_definitions(const std::vector<FacingApp>& apps);
  [[nodiscard]] std::vector<Claim> claims(const std::vector<FacingApp>& apps) const;
  [[nodiscard]] Place* place_of(const Claim& claim);
  void serve(Place& place, const Claim& claim, const Moment& moment);
  static void reindex(Place& place, const Claim& claim, const Moment& moment);
  static void keep_former(Place& place, std::vector<routing::HostIndex::Entry> before, const Moment& moment,
                          base::Duration drain);
  void leave(Place& place, const Moment& moment);
  [[nodiscard]] OpenAddressRef find_open(const std::string& key) const;

  std::size_t workers_;
  std::map<std::string, ListenerRef> in_force_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<OpenAddressRef> ready_;                           // until the next table
  std::vector<std::pair<base::Epoch, OpenAddressRef>> ending_;  // closed by the workers in that table
  mutable std::vector<std::weak_ptr<const OpenAddress>> known_;
  std::vector<Missing> missing_;
  std::vector<Event> events_;
  bool shut_ = false;  // everything has ended: from now on the tables repeat what is there
};

class ListenerBook::Opened {
 public:
  explicit Opened(std::vector<OpenAddressRef> addresses) : addresses_(std::move(addresses)) {}

 private:
  friend class ListenerBook;
  std::vector<OpenAddressRef> addresses_;
};

}  // namespace gracevisor::supervise
