// As long as a Scarce lives, this process gets no further descriptor, or only a given number. Thread: the
// test's only one; the test must first open everything else that it needs.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>

#include <stdexcept>
#include <vector>

#include "base/unique_fd.h"

namespace gracevisor::test {

class Scarce {
 public:
  // `left` descriptors may still be opened.
  explicit Scarce(unsigned left = 0) {
    if (::getrlimit(RLIMIT_NOFILE, &before_) != 0) throw std::runtime_error("getrlimit");
    // All numbers below the limit are taken, so that none is free in between.
    std::vector<base::UniqueFd> freed;
    base::UniqueFd highest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!highest) throw std::runtime_error("open");
    for (unsigned i = 0; i < left; ++i) freed.emplace_back(::fcntl(highest.get(), F_DUPFD_CLOEXEC, 0));
    int top = highest.get();
    for (const auto& fd : freed) top = fd.get() > top ? fd.get() : top;
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(top) + 1;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("setrlimit");
    taken_.push_back(std::move(highest));
    while (base::UniqueFd fd{::fcntl(taken_.front().get(), F_DUPFD_CLOEXEC, 0)})
      taken_.push_back(std::move(fd));
  }
  Scarce(const Scarce&) = delete;
  Scarce& operator=(const Scarce&) = delete;
  ~Scarce() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<base::UniqueFd> taken_;
};

}  // namespace gracevisor::test
