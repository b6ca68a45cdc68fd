// Everything that one incarnation owns in the world: its process, its endpoint and its address, its probe
// mailbox. A run ends when none of these can be touched any more: the group is gone, the endpoint is
// quiescent, no probe is out. Thread: the supervisor's.
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
#include "supervise/app_output.h"
#include "supervise/publisher.h"

namespace gracevisor::supervise {

using routing::Identity;

// What a run tells the supervisor; called from the loop, so it only records and enqueues.
class RunObserver {
 public:
  // It has a pid now.
  virtual void on_begun(const Identity& who) = 0;
  virtual void on(const Identity& who, const spawn::ProcessEvent& event) = 0;

 protected:
  ~RunObserver() = default;
};

class Run final : private process::ProcessObserver {
 public:
  // `address` is unset for an app without an endpoint. `output` is the app's; it and the observer outlive the
  // run.
  Run(Identity who, spec::SpecRef spec, const std::optional<base::Address>& address, std::size_t workers,
      RunObserver& observer, AppOutput& output);

  // Orders the process; an error means that there is none, and no event follows.
  [[nodiscard]] std::expected<void, spawn::SpawnFailed> start(const process::ProcessSurroundings& around,
                                                              spawn::SpawnPlan plan);
  // Takes over the process of a former daemon.
  void reattach(const process::ProcessSurroundings& around, process::FoundChild found,
                std::optional<inspect::ProcessMarks> marks);
  void signal(int number, config::Stop::Scope scope);
  void pass_signal(int number, config::Stop::Scope scope);
  void kill_tree();
  void resume_output();
  void drain_output();
  // Nothing of its process is followed any more, and the process is left alone.
  void abandon() { process_.reset(); }

  // The settings of its generation have changed, but for what it was started with.
  void adjust(const spec::SpecRef& spec);
  // If the interval changes, the next probe order is a new one.
  void set_probe_interval(base::Duration interval);
  // `host` and `starting` are left unset.
  [[nodiscard]] routing::ProbeOrder probe_order() const;
  // A report on the current order that came since the last call.
  [[nodiscard]] std::unique_ptr<routing::ProbeReport> fetch_report();

  // As its parent knows it.
  [[nodiscard]] process::ChildName child_name() const;
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const spec::SpecRef& spec() const { return spec_; }
  [[nodiscard]] const routing::EndpointRef& endpoint() const { return endpoint_; }  // null without an address
  // Where it is reached, in short form: ":21004", "unix:/run/..."; empty without an endpoint.
  [[nodiscard]] std::string place() const;
  // 0: not started yet.
  [[nodiscard]] base::Pid pid() const { return process_ ? process_->pid() : base::Pid(); }
  [[nodiscard]] bool running() const { return process_ && process_->running(); }
  [[nodiscard]] std::uint64_t started() const { return process_ ? process_->started() : 0; }
  [[nodiscard]] bool gone() const { return gone_; }
  // The processes that it left behind at its exit and that stay: they keep its address until they are gone.
  [[nodiscard]] const std::vector<base::NamedProcess>& left() const { return left_; }
  [[nodiscard]] Listing& listing() { return listing_; }
  [[nodiscard]] const Listing& listing() const { return listing_; }
  // Nothing of it can be touched again.
  [[nodiscard]] bool released(const Publisher& publisher) const;
  // Like released(), but ignores processes that nothing will end: those left behind or that outlived SIGKILL.
  [[nodiscard]] bool over(const Publisher& publisher) const;

 private:
  void on_begun() override { observer_.on_begun(identity_); }
  void on(const spawn::ProcessEvent& event) override;

  Identity identity_;
  spec::SpecRef spec_;
  RunObserver& observer_;
  InstanceOutput output_;
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
