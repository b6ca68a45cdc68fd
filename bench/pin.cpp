// pin CPUS PROGRAM [ARGUMENT...]: taskset -c, but static. The daemon under test starts its applications on
// its own CPU, and moving them to theirs must not be part of the measurement: dynamic loading of taskset
// costs as much as everything else in starting one.
#include <sched.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <string_view>

namespace {

// "0" or "0,1".
bool read_cpus(std::string_view text, cpu_set_t& cpus) {
  CPU_ZERO(&cpus);
  while (!text.empty()) {
    unsigned cpu = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
    if (error != std::errc() || cpu >= CPU_SETSIZE) return false;
    CPU_SET(cpu, &cpus);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return true;
    if (text.front() != ',') return false;
    text.remove_prefix(1);
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  cpu_set_t cpus;
  if (argc < 3 || !read_cpus(argv[1], cpus)) {
    (void)std::fprintf(stderr, "usage: pin CPU[,CPU...] PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) {
    std::perror("pin");
    return 1;
  }
  (void)::execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 1;
}
