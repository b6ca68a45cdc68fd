#include "log_compressor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace gracevisor::daemon {
namespace {

// Its time depends on the disk and on what else the machine does; but others wait for it, and its user may
// have made a file that is never read to its end.
constexpr base::Duration kPatience = std::chrono::minutes(10);
constexpr std::uint64_t kBytesPerSecond = 256UL << 10;
constexpr uid_t kNobody = 65534;

// dd copies nothing here: it syncs what gzip wrote, which must be on the disk before the old file goes.
constexpr const char* kCompress = "gzip -c -n && exec dd if=/dev/null conv=fsync status=none";
constexpr int kLowestPriority = 19;

std::optional<spawn::Credentials> credentials(const spawn::Credentials* user) {
  if (user != nullptr) return *user;
  if (::geteuid() != 0) return std::nullopt;
  return spawn::Credentials{kNobody, kNobody, {kNobody}, "nobody", "/", "/bin/sh"};
}

}  // namespace

void LogCompressor::compress(output::Compression what, std::function<void(std::string trouble)> done) {
  done_ = std::move(done);
  if (!may_()) {
    trouble_ = "another daemon takes over";
    return next_turn_.ask();
  }
  // A former daemon's may still be there, and the keeper has one of a name.
  CommandRun::Command command{.argv = {"/bin/sh", "-c", kCompress},
                              .name = fmt::format("#gzip-{}", ::getpid()),
                              .patience = kPatience + std::chrono::seconds(what.bytes / kBytesPerSecond),
                              .in = std::move(what.from),
                              .out = std::move(what.into),
                              .user = credentials(what.user),
                              .bare = true,
                              .nice = kLowestPriority};
  run_ = std::make_unique<CommandRun>(loop_, parent_, std::move(command),
                                      [this](const CommandRun::Result& result) {
                                        trouble_ = result.done ? std::string() : "gzip: " + result.how;
                                        if (!result.done && !result.lines.empty())
                                          trouble_ += ": " + result.lines.back();
                                        // Not freed inside its own call.
                                        next_turn_.ask();
                                      });
}

void LogCompressor::end() {
  run_.reset();
  if (auto done = std::exchange(done_, {})) done(std::exchange(trouble_, {}));
}

}  // namespace gracevisor::daemon
