#include "output/inflater.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gracevisor::output {
namespace {

constexpr std::size_t kInput = 64UL << 10;
// The largest window, and gzip's format alone.
constexpr int kWindow = 15 + 16;

std::unexpected<base::Error> wrong(const char* what, int code = EBADMSG) {
  return std::unexpected(base::Error{what, code});
}

}  // namespace

base::Expected<std::unique_ptr<Inflater>> Inflater::begin(base::UniqueFd file) {
  base::UniqueFd plain(::memfd_create("gv-log", MFD_CLOEXEC));
  if (!plain) return base::fail_errno("cannot create a memfd", errno);
  std::unique_ptr<Inflater> self(new Inflater(std::move(file), std::move(plain)));
  if (::inflateInit2(&self->stream_, kWindow) != Z_OK) return base::fail_errno("cannot inflate", ENOMEM);
  self->in_.resize(kInput);
  self->out_.resize(kSlice);
  return self;
}

// Does nothing for one that was not initialised.
Inflater::~Inflater() {
  (void)::inflateEnd(&stream_);
}

// False: the file is at its end.
base::Expected<bool> Inflater::fill() {
  ssize_t n = 0;
  do {
    n = ::read(file_.get(), in_.data(), in_.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return base::fail_errno("cannot read it", errno);
  stream_.next_in = reinterpret_cast<Bytef*>(in_.data());
  stream_.avail_in = static_cast<uInt>(n);
  read_ += static_cast<std::uint64_t>(n);
  return n > 0;
}

base::Expected<void> Inflater::put(std::size_t bytes) {
  size_ += bytes;
  if (size_ > kMost) return wrong("it becomes larger than 64 MiB", EFBIG);
  // A memfd takes everything at once unless memory has run out.
  if (::write(plain_.get(), out_.data(), bytes) != static_cast<ssize_t>(bytes)) {
    return base::fail_errno("cannot keep it in memory", errno);
  }
  return {};
}

base::Expected<bool> Inflater::step() {
  stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
  stream_.avail_out = static_cast<uInt>(out_.size());
  bool more = true;
  const std::uint64_t had_read = read_;
  while (stream_.avail_out > 0) {
    if (stream_.avail_in == 0) {
      if (read_ - had_read >= kSlice) break;
      auto filled = fill();
      if (!filled) return filled;
      more = *filled;
      if (!more && !between_) return wrong("it is cut");
      if (!more) break;
    }
    if (std::exchange(between_, false) && ::inflateReset(&stream_) != Z_OK) {
      return base::fail_errno("cannot inflate", EINVAL);
    }
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    between_ = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return wrong(stream_.msg != nullptr ? stream_.msg : "it is damaged");
    }
  }
  if (auto kept = put(out_.size() - stream_.avail_out); !kept) return std::unexpected(kept.error());
  return more;
}

}  // namespace gracevisor::output
