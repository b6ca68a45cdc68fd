// What all micro-benchmarks share: each piece of work is repeated for some milliseconds per round, and the
// fastest, median and slowest of 15 rounds are printed, in nanoseconds of this thread's own CPU time per
// repetition: what else runs on the machine counts through its caches alone. Every repetition says whether
// its result was right, so that no figure is of work that was not done; with --smoke there is one short
// round, and that is all that is looked at. Thread: the program's only one.
//
//   int main(int argc, char** argv) {
//     bench::Bench bench("parse", argc, argv);
//     bench.measure("request of wrk", [&](std::size_t /*i*/) { return ...; });
//     return bench.exit_code();
//   }
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

namespace gracevisor::bench {

// `value` must be there in memory, and what memory holds may have changed: the compiler cannot leave out what
// made the value, nor take anything over from the repetition before.
template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "r"(&value) : "memory");  // NOLINT(hicpp-no-assembler)
}

class Bench {
 public:
  Bench(std::string_view title, int argc, char** argv)
      : smoke_(argc == 2 && std::strcmp(argv[1], "--smoke") == 0) {
    fmt::print("{:<44} {:>9} {:>9} {:>9}\n", fmt::format("{}, ns", title), "min", "median", "max");
  }

  // `work(i)`: the i-th repetition; false when its result is wrong.
  template <class Work>
  void measure(std::string_view name, const Work& work) {
    std::size_t count = 1000;
    while (!smoke_ && round(work, count) * static_cast<double>(count) < kRound) count *= 2;
    std::vector<double> times;
    for (std::size_t i = 0; i < (smoke_ ? 1 : kRounds); ++i) times.push_back(round(work, count));
    std::sort(times.begin(), times.end());
    fmt::print("  {:<42} {:9.1f} {:9.1f} {:9.1f}\n", name, times.front(), times[times.size() / 2],
               times.back());
    if (wrong_ > 0) fmt::print("  {} repetitions had a wrong result\n", wrong_);
    failed_ = failed_ || wrong_ > 0;
    wrong_ = 0;
  }

  // Of what all the repetitions did together.
  void check(std::string_view what, bool holds) {
    if (!holds) fmt::print("  wrong: {}\n", what);
    failed_ = failed_ || !holds;
  }

  // 1 when any result was wrong.
  [[nodiscard]] int exit_code() const noexcept { return failed_ ? 1 : 0; }

 private:
  static constexpr std::size_t kRounds = 15;
  static constexpr double kRound = 2e7;  // ns

  // Nanoseconds per repetition.
  template <class Work>
  [[nodiscard]] double round(const Work& work, std::size_t count) {
    std::size_t right = 0;
    double began = cpu_time();
    for (std::size_t i = 0; i < count; ++i) {
      bool good = work(i);
      keep(good);
      right += good ? 1U : 0U;
    }
    double took = cpu_time() - began;
    wrong_ += count - right;
    return took / static_cast<double>(count);
  }

  // In nanoseconds.
  [[nodiscard]] static double cpu_time() noexcept {
    constexpr double kSecond = 1e9;
    timespec now{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);  // it cannot fail
    return static_cast<double>(now.tv_sec) * kSecond + static_cast<double>(now.tv_nsec);
  }

  bool smoke_;
  bool failed_ = false;
  std::size_t wrong_ = 0;
};

}  // namespace gracevisor::bench
