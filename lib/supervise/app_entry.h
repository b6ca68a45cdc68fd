// What the supervisor knows of an app beside its decider. Thread: the supervisor's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "decide/app.h"
#include "observe/rates.h"
#include "routing/route_table.h"
#include "spec/state_file.h"
#include "supervise/listener_book.h"

namespace gracevisor::supervise {

// Listeners as a spec needs them; they come into force when the spec goes live.
struct PendingListeners {
  spec::SpecRef spec;
  std::unique_ptr<ListenerBook::Opened> opened;
  std::vector<std::string> changes;  // for the receipt
};
// An address from which a deploy takes something, or to which it adds something.
struct Touched {
  std::string address;
  std::shared_ptr<const routing::ListenerLedger> ledger;
};
// An app's decider, and what else is known of the app.
struct AppEntry {
  std::unique_ptr<decide::App> app;
  std::optional<PendingListeners> listeners;
  std::optional<spec::AppState> remembered;            // what to start it with, until its turn at boot comes
  config::App configured;                              // as the files had it when it was last read
  std::vector<config::Listener> configured_listeners;  // and its listeners
  std::vector<std::string> problems;                   // standing remarks for status
  std::vector<std::string> hints;  // what the next report says about the configuration that was read
  std::vector<Touched> touched;    // by its last deploy
  observe::Rates rates;
  bool unstartable = false;          // its start failed before any process: it stays down until a command
  bool held = false;                 // the newest table lists what a cut-back would restore
  std::vector<std::string> missing;  // addresses at which it should be reached but is not
};

// An app that ran before the daemon's start, and that no file has any more.
struct LeftBehind {
  std::string name;
  std::string file;  // that had it
  base::GenerationId last_generation;
};
// What serves, or is to serve, or is to be started again.
struct InForce {
  base::GenerationId generation;  // 0: none
  spec::SpecRef spec;             // null: none
};
}  // namespace gracevisor::supervise
