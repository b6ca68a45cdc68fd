// Says that it is gracevisord, and misbehaves as the name of its file tells:
//   stranger         it is another program
//   refuses          it refuses the configuration
//   stuck-version    --version does not end
//   ends             as a successor it ends at once, after a line of its own
//   crashes          as a successor it is ended by a signal
//   deaf             as a successor it does nothing at all
// Thread: its only one.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

[[noreturn]] void do_nothing() {
  for (;;) (void)::pause();
}

}  // namespace

int main(int argc, char** argv) {
  std::error_code code;
  const std::string name = std::filesystem::read_symlink("/proc/self/exe", code).filename().string();
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--version") {
    if (name == "stuck-version") do_nothing();
    (void)std::puts(name == "stranger" ? "true (GNU coreutils) 9.1" : "gracevisord 9.9.9");
    return EXIT_SUCCESS;
  }
  if (first == "--check") {
    if (name != "refuses") return EXIT_SUCCESS;
    (void)std::puts("gracevisor.toml:1: error: no such key\ngracevisor.toml:2: error: nor this one");
    return 2;
  }
  if (name == "crashes") (void)std::raise(SIGKILL);
  if (name == "deaf") do_nothing();
  return 3;
}
