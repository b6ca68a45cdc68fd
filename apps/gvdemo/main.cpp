// gvdemo: a tiny web app with switches, used by the quickstart and the tests.
#include <csignal>
#include <cstdio>

#include "options.h"
#include "server.h"

int main(int argc, char** argv) {
  using gracevisor::demo::Options;
  (void)std::signal(SIGPIPE, SIG_IGN);
  auto read = gracevisor::demo::read_options(argc, argv);
  if (const int* code = std::get_if<int>(&read)) return *code;

  auto loop = gracevisor::loop::Loop::create();
  if (!loop) {
    (void)std::fprintf(stderr, "gvdemo: %s\n", loop.error().what.c_str());
    return 1;
  }
  gracevisor::demo::Server server(**loop, std::get<Options>(read));
  if (auto started = server.start(); !started) {
    (void)std::fprintf(stderr, "gvdemo: %s\n", started.error().what.c_str());
    return 1;
  }
  (*loop)->run();
  return server.exit_code();
}
