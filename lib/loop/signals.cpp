#include "loop/signals.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

namespace gracevisor::loop {

base::Expected<std::unique_ptr<Signals>> Signals::create(Loop& loop, std::initializer_list<int> which,
                                                         std::function<void(int)> on_signal) {
  auto source = base::SignalFd::open(which);
  if (!source) return std::unexpected(source.error());
  for (int number : which) {
    // From being ignored as well: with SIGCHLD ignored the kernel leaves no zombies to be waited for.
    if (std::signal(number, SIG_DFL) == SIG_ERR) {
      return base::fail_errno("cannot watch signal " + std::to_string(number), errno);
    }
  }
  std::unique_ptr<Signals> signals(new Signals(std::move(*source), std::move(on_signal)));
  auto readable = FdWatch::create(loop, signals->source_.descriptor(), FdWatch::Interest::readable,
                                  [s = signals.get()] { s->tell(); });
  if (!readable) return std::unexpected(readable.error());
  signals->readable_ = std::move(*readable);
  signals->readable_->leave_loop_free();
  return signals;
}

void Signals::tell() {
  const auto number = source_.take();
  if (!number) return;
  // A copy: the owner may destroy the watch in its callback.
  auto call = on_signal_;
  call(*number);
}

}  // namespace gracevisor::loop
