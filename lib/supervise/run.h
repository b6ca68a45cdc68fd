// Everything that one incarnation owns in the world: its process, its endpoint and its address, its probe
// mailbox. It ends when none of that can be touched any more: the group is gone, the endpoint is quiescent,
// no probe is out. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process/process.h"
#include "routing/probe.h"
#include "spec/spec.h"
#include "supervise/publisher.h"

namespace gracevisor::supervise {

using routing::Identity;

// What a run tells the supervisor; called from the loop, so it only records and enqueues.
class RunObserver {
 public:
  virtual void on_output(const Identity& who, process::OutputStream stream, std::string_view bytes) = 0;
  [[nodiscard]] virtual bool takes_output(const Identity& who, process::OutputStream stream) = 0;
  virtual void on(const Identity& who, const spawn::ProcessEvent& event) = 0;

 protected:
  ~RunObserver() = default;
};

class Run final : private process::ProcessObserver {
 public:
  // `address` is unset for an app without endpoint.
  Run(Identity who, spec::SpecRef spec, const std::optional<base::Address>& address, std::size_t workers,
      RunObserver& observer);

  // Starts the process; an error means that there is none, and nothing follows.
  [[nodiscard]] std::expected<void, spawn::SpawnFailed> start(const process::ProcessSurroundings& around,
                                                              const spawn::SpawnPlan& plan);
  void signal(int number, config::Stop::Scope scope);
  void kill_tree();
  void resume_output();

  // A changed interval makes a new order of the next one.
  void set_probe_interval(base::Duration interval);
  [[nodiscard]] routing::ProbeOrder probe_order(bool starting, const std::string& host) const;
  // A report on the current order that came since the last call.
  [[nodiscard]] std::unique_ptr<routing::ProbeReport> fetch_report();

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const spec::SpecRef& spec() const { return spec_; }
  [[nodiscard]] const routing::EndpointRef& endpoint() const { return endpoint_; }  // null without an address
  // Where it is reached, in short form: ":21004", "unix:/run/..."; empty without an endpoint.
  [[nodiscard]] std::string place() const;
  [[nodiscard]] base::Pid pid() const { return process_ ? process_->pid() : base::Pid(); }
  [[nodiscard]] std::uint64_t started() const { return process_ ? process_->started() : 0; }
  [[nodiscard]] bool gone() const { return gone_; }
  // The processes that it left at its exit and that stay: they keep its address until they are gone.
  [[nodiscard]] const std::vector<base::NamedProcess>& left() const { return left_; }
  [[nodiscard]] Listing& listing() { return listing_; }
  [[nodiscard]] const Listing& listing() const { return listing_; }
  // Nothing of it can be touched again.
  [[nodiscard]] bool released(const Publisher& publisher) const;
  // Like released(), but ignores processes that nothing will end: left ones, and those that outlived SIGKILL.
  [[nodiscard]] bool over(const Publisher& publisher) const;

 private:
  void on_output(process::OutputStream stream, std::string_view bytes) override;
  [[nodiscard]] bool takes_output(process::OutputStream stream) override;
  void on(const spawn::ProcessEvent& event) override;

  Identity identity_;
  spec::SpecRef spec_;
  RunObserver& observer_;
  routing::EndpointRef endpoint_;
  Listing listing_;
  std::shared_ptr<routing::ProbeBox> box_;
  std::shared_ptr<const config::Health> check_;
  std::uint64_t probe_serial_ = 0;
  base::Duration probe_interval_{};
  bool gone_ = true;  // until the process is started
  bool given_up_ = false;
  std::vector<base::NamedProcess> left_;
  std::unique_ptr<process::Process> process_;
};

}  // namespace gracevisor::supervise
