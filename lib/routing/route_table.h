// The complete desired state, as far as the proxy needs it, immutable: the supervisor writes it and the
// workers read it. Threads: built by the supervisor, then read-only everywhere. A worker leases only from its
// newest table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "routing/access_lane.h"
#include "routing/endpoint.h"
#include "routing/last_failure.h"
#include "routing/probe.h"
#include "routing/room.h"
#include "succession/client_channel.h"

namespace gracevisor::routing {

// One worker's counts for one app as its clients see it; written by that worker, read by the supervisor.
struct alignas(64) AppCell {
  handoff::Tally requests;  // exchanges that ended, whether the app or the proxy answered
  handoff::Tally failed;    // of those: our own 5xx answers, or responses cut short by our side or the app's
  handoff::Tally server_errors;  // responses of the app with a status of 5xx
  handoff::Tally retried;
  handoff::Tally held;        // had to wait because no instance could take them
  handoff::Tally waiting;     // held right now
  handoff::Tally slowest_us;  // longest exchange since the window began, not counting the wait for its body
  handoff::Tally window;      // the AppRoutes::window that slowest_us and slowest_body_us belong to
  // The next two are for bodies that are read before an instance is chosen.
  handoff::Tally slowest_body_us;  // the longest time that one took since the window began
  handoff::Tally slow_streams;     // chunked, and still unfinished after 5 s
  handoff::Tally repaired;         // responses that gave their length twice, or together with chunked
};

struct AppLedger {
  explicit AppLedger(std::size_t workers) : cells(workers) {}
  std::vector<AppCell> cells;
  LastFailureBox last_failure;  // one for all workers: the latest from any of them
};

enum class AppMode {
  live,        // lease from targets
  hold,        // no target, but one is expected: each request waits for at most `hold`
  stopped,     // 503 with Retry-After at once
  crash_loop,  // likewise, with another reason: its instances exit again and again
};

// An endpoint that is listed only because it is going away.
struct Leaving {
  EndpointRef endpoint;
  bool closing = false;  // no time is left (drain deadline, kill): 503 if no head was sent yet, otherwise the
                         // exchange is cut
};

struct AppRoutes {
  base::AppId id;
  std::string name;
  AppMode mode = AppMode::stopped;
  config::Protocol protocol = config::Protocol::http;
  base::Duration hold{};             // how long a request may be held, also in mode live
  base::GenerationId generation;     // the generation of the targets
  std::vector<EndpointRef> targets;  // never empty in mode live
  std::vector<Leaving> leaving;
  config::Deploy::Upgraded upgraded =
      config::Deploy::Upgraded::close;  // for tunnels to endpoints that are no longer targets
  base::Duration drain_window{};        // how long such tunnels may last
  std::shared_ptr<const config::ProxyOptions> options;
  std::shared_ptr<AppLedger> ledger;
  std::uint64_t window = 0;  // when it changes, the slowest_* figures start afresh
  AccessSinkRef access;      // null: the listener's
};

// One worker's counts for one listening address; written by that worker, read by the supervisor.
struct alignas(64) ListenerCell {
  handoff::Tally accepted;     // connections that this worker accepted, whichever worker serves them
  handoff::Tally ended;        // connections that this worker served or gave up, now closed
  handoff::Tally own_answers;  // our own answers, whatever their status
};

struct ListenerLedger {
  explicit ListenerLedger(std::size_t workers) : cells(workers) {}

  // Connections that are open or being passed from one worker to another. Exact once every worker has entered
  // a table in which the listener is leaving: from then on none is accepted, so that `ended` catches up with
  // a fixed number.
  [[nodiscard]] std::uint64_t open() const noexcept;
  [[nodiscard]] std::uint64_t own_answers() const noexcept;

  std::vector<ListenerCell> cells;
};

// One listening address. How many sockets it has is decided when it is opened, and stays until it is given
// up, however many workers a later daemon has: the kernel hands connections to each of them, so none may be
// left unpolled or closed. Socket i belongs to worker i modulo the workers, which duplicates it when it
// adopts a table. The address is released once the last table and the last worker have released it.
struct ListenerSockets {
  ListenerSockets(const base::Address& where, std::vector<base::UniqueFd> opened, std::size_t workers)
      : address(where), sockets(std::move(opened)), ledger(std::make_shared<ListenerLedger>(workers)) {}

  base::Address address;
  std::vector<base::UniqueFd> sockets;
  std::shared_ptr<ListenerLedger> ledger;
};

// Maps host and path to an app, for one listener. Built once per change of routes and shared by the tables
// until the next change.
class HostIndex {
 public:
  struct Entry {
    std::string host;  // as in config::Route
    std::string path;
    base::AppId app;
  };
  explicit HostIndex(const std::vector<Entry>& entries, std::optional<base::AppId> fallback);

  struct Match {
    base::AppId app;
    std::size_t prefix = 0;  // number of bytes of the path that the route's path covers; 0 for "/"
  };
  // The exact host comes first, then the wildcards from the longest on, then the routes without a host, then
  // the fallback; within each, the longest path prefix on a segment boundary wins. `host` is lower-case,
  // without port; `path` is the target without its query. Unset: 404.
  [[nodiscard]] std::optional<Match> find(std::string_view host, std::string_view path) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct PathRule {
    std::string path;  // without a trailing slash; "" matches every path
    base::AppId app;
  };
  using PathRules = std::vector<PathRule>;  // longest first
  [[nodiscard]] static std::optional<Match> match(const PathRules& rules, std::string_view path);

  std::unordered_map<std::string, PathRules, Hash, std::equal_to<>> exact_;
  std::unordered_map<std::string, PathRules, Hash, std::equal_to<>> wildcard_;  // key ".example.com"
  PathRules any_;
  std::optional<base::AppId> fallback_;
};

struct ListenerRoutes {
  std::shared_ptr<const ListenerSockets> sockets;
  std::shared_ptr<const HostIndex> index;
  std::shared_ptr<const config::Listener> config;
  std::optional<base::AppId> tcp = {};  // every connection belongs to this app, whatever protocol it uses
  AccessSinkRef access = {};  // for requests whose app has none of its own, or that match no app; null: none
  // Pending connections are accepted, then the listener closes; the connections that it accepted keep these
  // routes, and each ends with its next answer.
  bool leaving = false;
  // The previous `index`. Connections accepted under a table before `former_until` keep it for one more
  // answer; null: none.
  std::shared_ptr<const HostIndex> former = {};
  base::Epoch former_until = {};
};

struct RouteTable {
  base::Epoch epoch;
  std::vector<ListenerRoutes> listeners;
  std::vector<AppRoutes> apps;     // sorted by id
  std::vector<ProbeOrder> probes;  // worker w runs those whose app id % workers == w
  bool closing = false;  // shutting down: accept the backlog, close listeners, send Connection: close
  Room room;             // of each worker
  // Another daemon has taken over and accepts from the same sockets, which the workers therefore no longer
  // poll: what waits there is its own. Their connections go there as soon as nothing is under way on them.
  std::shared_ptr<const succession::ClientChannel> successor = {};
  std::shared_ptr<const succession::ClientChannel> predecessor = {};  // whence connections come

  [[nodiscard]] const AppRoutes* find(base::AppId id) const noexcept;
};

using RouteTableRef = std::shared_ptr<const RouteTable>;

}  // namespace gracevisor::routing
