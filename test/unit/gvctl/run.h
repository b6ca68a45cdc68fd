// gvctl's commands as a test runs them: against a socket, with what they write read back. Thread: the test's.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "gvctl/commands.h"

namespace gracevisor::test {

inline base::Pipe pipe_or_fail() {
  base::Expected<base::Pipe> made = base::make_pipe();
  REQUIRE(made.has_value());
  base::Pipe ends;
  std::swap(ends, made.value());
  return ends;
}

// An Output that is read back.
class Capture {
 public:
  Capture() : pipe_(pipe_or_fail()), output_(pipe_.write_end.get()) {}
  gvctl::Output& output() { return output_; }
  // Nobody reads what comes from now on.
  void close() { pipe_.read_end.reset(); }
  // What was written; only once, at the end.
  std::string text() {
    pipe_.write_end.reset();
    std::string all;
    std::array<char, 4096> space{};
    for (;;) {
      ssize_t count = ::read(pipe_.read_end.get(), space.data(), space.size());
      if (count <= 0) return all;
      all.append(space.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  base::Pipe pipe_;
  gvctl::Output output_;
};

struct Outcome {
  int exit = -1;
  std::string out;
  std::string err;
};

inline Outcome run(const std::string& socket, const std::vector<std::string>& arguments, int interrupt = -1) {
  auto line = gvctl::parse_command_line(arguments, "");
  REQUIRE(line);
  control::Client::Options options{.interrupt = interrupt, .patience = base::Millis(10000)};
  if (line->timeout) options.deadline = std::chrono::steady_clock::now() + *line->timeout;
  control::Client client(socket, options);
  Capture out;
  Capture err;
  Outcome outcome;
  outcome.exit = gvctl::Commands(*line, client, out.output(), err.output(), gvctl::Style{}).run();
  outcome.out = out.text();
  outcome.err = err.text();
  return outcome;
}

}  // namespace gracevisor::test
