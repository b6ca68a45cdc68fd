// The whole of gvdemo: boots as its options say, listens, serves, and ends on a signal once every answer is
// out. Thread: the loop's.
#pragma once

#include <memory>
#include <unordered_map>

#include "activation.h"
#include "connection.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "loop/timer.h"
#include "options.h"

namespace gracevisor::demo {

class Server final : public Host {
 public:
  Server(loop::Loop& loop, Options options);

  // Watches the signals and starts booting.
  [[nodiscard]] base::Expected<void> start();
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  [[nodiscard]] const Options& options() const override { return options_; }
  [[nodiscard]] bool stopping() const override { return stopping_; }
  void over(Connection& connection) override;

  void listen();
  [[nodiscard]] base::Expected<ListeningSocket> open_socket() const;
  void accept(loop::Accepted accepted);
  void stop();
  void end_if_idle();
  void end(int code);

  loop::Loop& loop_;
  Options options_;
  std::unique_ptr<loop::Signals> signals_;
  std::unique_ptr<loop::Listener> listener_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  loop::Timer boot_;
  loop::Timer exit_;   // --exit-after
  loop::Timer stay_;   // --term-delay
  loop::Timer alive_;  // keeps the loop running while there is nothing else to wait for
  bool stopping_ = false;
  int exit_code_ = 0;
};

}  // namespace gracevisor::demo
