// Signals to be read from a descriptor (signalfd(2)) for as long as the object lives, instead of
// interrupting. Thread: the owner's; every other thread must block these signals.
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

class SignalFd {
 public:
  // Blocks them for this thread. What is to become of them afterwards is as it was.
  [[nodiscard]] static Expected<SignalFd> open(std::initializer_list<int> which);
  SignalFd(SignalFd&& other) noexcept = default;
  SignalFd& operator=(SignalFd&&) = delete;
  // Those that it had blocked are no longer blocked: one that was not taken is delivered now.
  ~SignalFd();

  // Readable while there is one.
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  // Its number, one after the other; several of the same kind are one. Unset: there is none.
  [[nodiscard]] std::optional<int> take();

 private:
  SignalFd(UniqueFd fd, const sigset_t& blocked) noexcept : fd_(std::move(fd)), blocked_(blocked) {}

  UniqueFd fd_;  // none: moved from
  sigset_t blocked_;
};

}  // namespace gracevisor::base
