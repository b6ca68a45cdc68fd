// One stream's bytes on their way to its log file, exactly as they came.
//
// Instances share a file, so a line waits here until it is complete: then no other stream's bytes can get in
// between. Lines that may never end do not wait: one of more than 1 MiB, one of more than 64 KiB when the
// app's streams already hold 4 MiB, and the rest of one that was flushed. Pure. Thread: the supervisor's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace gracevisor::supervise {

class OutputFeed {
 public:
  static constexpr std::size_t kSure = 64UL << 10;    // bytes of a line that may always wait
  static constexpr std::size_t kLongest = 1UL << 20;  // bytes of a line that may wait at most
  static constexpr std::size_t kAll = 4UL << 20;      // of all streams that count in the same `held`

  // `sink` gets the bytes, in order; they are valid during the call. `held` outlives the feed.
  using Sink = std::function<void(std::string_view)>;
  OutputFeed(Sink sink, std::size_t& held) : sink_(std::move(sink)), held_(held) {}
  OutputFeed(OutputFeed&& other) noexcept;
  OutputFeed& operator=(OutputFeed&&) = delete;
  ~OutputFeed() { held_ -= line_.size(); }

  void add(std::string_view bytes);
  // Passes the waiting line on as it is: it has waited long enough, or its process is gone.
  void flush();
  // Takes the waiting line, so that somebody else passes it on.
  [[nodiscard]] std::string take();
  // The beginning of a line that has not ended has been passed on: what follows does not wait.
  [[nodiscard]] bool loose() const noexcept { return loose_; }
  void go_on_loose() noexcept { loose_ = true; }
  [[nodiscard]] bool holds() const noexcept { return !line_.empty(); }
  // The newest byte that came ended no line.
  [[nodiscard]] bool unfinished() const noexcept { return loose_ || holds(); }

 private:
  void finish(std::string_view piece);
  void hold(std::string_view piece);
  [[nodiscard]] bool may_wait(std::size_t more) const noexcept;

  Sink sink_;
  std::size_t& held_;
  std::string line_;    // the beginning of the current line, or nothing
  bool loose_ = false;  // part of the current line has already gone out: holding the rest is no use
};

}  // namespace gracevisor::supervise
