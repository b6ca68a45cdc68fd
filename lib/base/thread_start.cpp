#include "base/thread_start.h"

#include <pthread.h>

#include <csignal>
#include <string>
#include <system_error>
#include <utility>

namespace gracevisor::base {
namespace {

// Blocks every signal for as long as it lives: a thread created meanwhile inherits that.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    (void)::sigfillset(&all);
    valid_ = ::pthread_sigmask(SIG_SETMASK, &all, &before_) == 0;
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() {
    if (valid_) (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_{};
  bool valid_ = false;
};

}  // namespace

Expected<std::thread> start_thread(const char* name, std::function<void()> body) {
  SignalsBlocked blocked;
  try {
    return std::thread([name = std::string(name), body = std::move(body)] {
      // Only a name: the thread works without it.
      (void)::pthread_setname_np(::pthread_self(), name.c_str());
      body();
    });
  } catch (const std::system_error& e) {
    return std::unexpected(system_error(std::string("cannot start the thread ") + name, e.code().value()));
  }
}

}  // namespace gracevisor::base
