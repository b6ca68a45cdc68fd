// A compressed log file as a plain one, which is in memory and can be read from its end: made step by step,
// so that others are not kept waiting, and no larger than kMost, since a small file may become any size, and
// a large one nothing. Thread: one at a time.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::output {

class Inflater {
 public:
  static constexpr std::uint64_t kMost = 64ULL << 20;  // bytes of what it becomes
  static constexpr std::size_t kSlice = 256UL << 10;   // of these, and of the file, in one step

  // `file`: in gzip's format (RFC 1952), of one or more members.
  [[nodiscard]] static base::Expected<std::unique_ptr<Inflater>> begin(base::UniqueFd file);
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // True: there is more to do. EFBIG: it becomes too large; EBADMSG: it is damaged, or not in that format.
  [[nodiscard]] base::Expected<bool> step();
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // Bytes of the file that were read.
  [[nodiscard]] std::uint64_t read() const noexcept { return read_; }
  // Once it is done: what it became.
  [[nodiscard]] base::UniqueFd take() noexcept { return std::move(plain_); }

 private:
  Inflater(base::UniqueFd file, base::UniqueFd plain) : file_(std::move(file)), plain_(std::move(plain)) {}
  [[nodiscard]] base::Expected<bool> fill();
  [[nodiscard]] base::Expected<void> put(std::size_t bytes);

  base::UniqueFd file_;
  base::UniqueFd plain_;
  z_stream stream_{};
  std::string in_;
  std::string out_;
  std::uint64_t size_ = 0;
  std::uint64_t read_ = 0;
  bool between_ = true;  // two members, or before the first
};

}  // namespace gracevisor::output
