#include "loop/stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <string>
#include <utility>

#include "loop/handle.h"

namespace gracevisor::loop {
namespace {

constexpr std::size_t kMaxPieces = 64;

// The handle of a TCP or a Unix socket; each is allocated at its own size, since there are many connections.
uv_tcp_t* as_tcp(uv_stream_t* stream) {
  return reinterpret_cast<uv_tcp_t*>(stream);
}
uv_pipe_t* as_pipe(uv_stream_t* stream) {
  return reinterpret_cast<uv_pipe_t*>(stream);
}

struct WriteRequest {
  uv_write_t request{};
  std::string bytes;
};

// Up to this many bytes in several pieces are copied into one place: that costs less than a vectored write.
constexpr std::size_t kFlat = 2048;

uv_buf_t flatten(std::span<const uv_buf_t> pieces, char* place) noexcept {
  char* end = place;
  for (const uv_buf_t& piece : pieces) end = std::copy_n(piece.base, piece.len, end);
  return uv_buf_init(place, static_cast<unsigned>(end - place));
}

// 0, or the errno value if someone other than the address's owner listens there. The kernel remembers who
// called listen().
int stranger(int fd, const base::Address& address) {
  if (!address.owner()) return 0;
  ucred listener{};
  socklen_t length = sizeof listener;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &length) != 0) return errno;
  return listener.uid == *address.owner() ? 0 : EACCES;
}

}  // namespace

// libuv's callbacks; data is null once the Stream is gone.
struct Stream::Callbacks {
  static Stream* owner(uv_stream_t* handle) { return static_cast<Stream*>(handle->data); }

  static void allocate(uv_handle_t* handle, std::size_t /*suggested*/, uv_buf_t* buffer) {
    auto* self = owner(reinterpret_cast<uv_stream_t*>(handle));
    if (self == nullptr || self->unread_) {
      *buffer = uv_buf_init(nullptr, 0);  // libuv then reads nothing and reports UV_ENOBUFS
      return;
    }
    // It is needed as soon as the kernel is done, and has not been touched for a while.
    __builtin_prefetch(self->observer_, 1);
    Loop& loop = Loop::of(handle->loop);
    loop.count_read();
    auto space = loop.read_buffer();
    *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
  }

  static void read(uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
    auto* self = owner(handle);
    if (self == nullptr || count == 0) return;
    if (count > 0) {
      self->observer_->on_bytes({buffer->base, static_cast<std::size_t>(count)});
      return;
    }
    if (count == UV_ENOBUFS && self->unread_) {
      self->observer_->on_readable();
      return;
    }
    // libuv stops reading by itself at EOF; on errors it must be told to.
    self->stop_reading();
    int code = count == UV_EOF ? self->pending_error() : static_cast<int>(-count);
    if (code == 0) {
      self->observer_->on_end();
    } else {
      self->report_broken(code);
    }
  }

  static void written(uv_write_t* raw, int status) {
    std::unique_ptr<WriteRequest> request(static_cast<WriteRequest*>(raw->data));
    auto* self = owner(raw->handle);
    // Reading and writing may both find the connection broken within one turn; the observer hears of it once.
    if (self == nullptr || self->broken_ || status == UV_ECANCELED) return;
    if (status != 0) {
      self->stop_reading();
      self->report_broken(-status);
    } else if (self->queued() == 0 && self->drain_owed_) {
      // Several writes may finish at once: the queue drains once.
      self->drain_owed_ = false;
      self->observer_->on_drained();
    }
  }

  static void connected(uv_connect_t* raw, int status) {
    std::unique_ptr<uv_connect_t> request(raw);
    auto* self = owner(raw->handle);
    if (self == nullptr || status == UV_ECANCELED) return;
    if (status != 0) {
      self->report_broken(-status);
    } else {
      self->connected_ = true;
      self->observer_->on_connected();
    }
  }

  static void finished(uv_shutdown_t* raw, int /*status*/) {
    // An error means that the connection is broken, which reading or writing reports.
    std::unique_ptr<uv_shutdown_t> request(raw);
  }

  static void closed(uv_handle_t* handle) {
    auto* stream = reinterpret_cast<uv_stream_t*>(handle);
    if (handle->type == UV_TCP) {
      delete as_tcp(stream);
    } else {
      delete as_pipe(stream);
    }
  }
};

base::Expected<void> Stream::create(Loop& loop, int family) {
  assert(!open());
  int r = 0;
  if (family == AF_UNIX) {
    auto pipe = std::make_unique<uv_pipe_t>();
    r = uv_pipe_init(loop.raw(), pipe.get(), 0);
    if (r == 0) handle_ = reinterpret_cast<uv_stream_t*>(pipe.release());
  } else {
    auto tcp = std::make_unique<uv_tcp_t>();
    r = uv_tcp_init(loop.raw(), tcp.get());
    if (r == 0) handle_ = reinterpret_cast<uv_stream_t*>(tcp.release());
  }
  if (r != 0) return std::unexpected(uv_error("cannot create a stream", r));
  handle_->data = this;
  return {};
}

base::Expected<void> Stream::adopt(Loop& loop, base::UniqueFd socket, int family) {
  if (auto created = create(loop, family); !created) return created;
  int r = family == AF_UNIX ? uv_pipe_open(as_pipe(handle_), socket.get())
                            : uv_tcp_open(as_tcp(handle_), socket.get());
  if (r != 0) {
    close();
    return std::unexpected(uv_error("cannot adopt a socket", r));
  }
  (void)socket.release();
  connected_ = true;
  return {};
}

// Connecting to a Unix socket never blocks: doing it here saves a loop turn and a change of the epoll set
// compared with uv_pipe_connect.
base::Expected<void> Stream::connect_unix(const base::Address& address) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("cannot create a socket", errno);
  int r = 0;
  do {
    r = ::connect(fd.get(), address.get(), address.length());
  } while (r != 0 && errno == EINTR);
  if (r != 0) return base::fail_errno("cannot connect to " + address.text(), errno);
  if (auto code = stranger(fd.get(), address); code != 0) {
    return base::fail_errno("will not connect to " + address.text() + ", which somebody else listens at",
                            code);
  }
  r = uv_pipe_open(as_pipe(handle_), fd.get());
  if (r != 0) return std::unexpected(uv_error("cannot adopt a socket", r));
  (void)fd.release();
  connected_ = true;
  return {};
}

base::Expected<void> Stream::connect_tcp(const base::Address& address) {
  auto request = std::make_unique<uv_connect_t>();
  int r = uv_tcp_nodelay(as_tcp(handle_), 1);
  if (r == 0) r = uv_tcp_connect(request.get(), as_tcp(handle_), address.get(), Callbacks::connected);
  if (r != 0) return std::unexpected(uv_error("cannot connect to " + address.text(), r));
  (void)request.release();
  return {};
}

base::Expected<void> Stream::dial(Loop& loop, const base::Address& address) {
  if (auto created = create(loop, address.family()); !created) return created;
  auto begun = address.is_unix() ? connect_unix(address) : connect_tcp(address);
  if (!begun) close();
  return begun;
}

void Stream::close() noexcept {
  if (!open()) return;
  note_close(descriptor());
  auto* handle = reinterpret_cast<uv_handle_t*>(std::exchange(handle_, nullptr));
  handle->data = nullptr;
  connected_ = reading_ = unread_ = broken_ = reset_ = drain_owed_ = false;
  uv_close(handle, Callbacks::closed);
}

// libuv reports EOF if a partial read came with a hang-up, which hides a reset right after the last bytes.
int Stream::pending_error() const {
  if (reset_) return ECONNRESET;
  int code = 0;
  socklen_t length = sizeof code;
  return ::getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno;
}

void Stream::report_broken(int code) {
  broken_ = true;
  reset_ = reset_ || code == ECONNRESET;
  observer_->on_broken(code);
}

base::Expected<void> Stream::start_reading() {
  if (reading_) return {};
  if (int r = uv_read_start(handle_, Callbacks::allocate, Callbacks::read); r != 0) {
    return std::unexpected(uv_error("cannot read from a connection", r));
  }
  reading_ = true;
  return {};
}

void Stream::stop_reading() {
  if (!reading_) return;
  int r = uv_read_stop(handle_);
  assert(r == 0);  // never fails
  (void)r;
  reading_ = false;
}

WriteResult Stream::write(std::span<const std::string_view> pieces) {
  assert(pieces.size() <= kMaxPieces);
  if (broken_) return WriteResult::broken;
  std::array<uv_buf_t, kMaxPieces> buffers;
  std::array<char, kFlat> flat;
  unsigned count = 0;
  std::size_t total = 0;
  for (std::string_view piece : pieces) {
    if (piece.empty()) continue;
    // libuv only reads through the pointer when it writes to the socket.
    buffers[count++] = uv_buf_init(const_cast<char*>(piece.data()), static_cast<unsigned>(piece.size()));
    total += piece.size();
  }
  if (total == 0) return queued() == 0 ? WriteResult::done : WriteResult::queued;
  if (count > 1 && total <= kFlat) {
    buffers[0] = flatten({buffers.data(), count}, flat.data());
    count = 1;
  }
  int taken = uv_try_write(handle_, buffers.data(), count);
  if (taken == UV_EAGAIN) taken = 0;
  if (taken < 0) {
    reset_ = reset_ || taken == UV_ECONNRESET;
    return WriteResult::broken;
  }
  auto skip = static_cast<std::size_t>(taken);
  if (skip == total) return WriteResult::done;

  auto request = std::make_unique<WriteRequest>();
  request->bytes.reserve(total - skip);
  for (unsigned i = 0; i < count; ++i) {
    std::string_view piece(buffers[i].base, buffers[i].len);
    std::size_t gone = std::min(skip, piece.size());
    request->bytes.append(piece.substr(gone));
    skip -= gone;
  }
  request->request.data = request.get();
  uv_buf_t rest = uv_buf_init(request->bytes.data(), static_cast<unsigned>(request->bytes.size()));
  if (uv_write(&request->request, handle_, &rest, 1, Callbacks::written) != 0) return WriteResult::broken;
  (void)request.release();
  drain_owed_ = true;
  return WriteResult::queued;
}

std::size_t Stream::queued() const noexcept {
  return open() ? uv_stream_get_write_queue_size(handle_) : 0;
}

std::size_t Stream::unread() const noexcept {
  int bytes = 0;
  if (!open() || ::ioctl(descriptor(), SIOCINQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

std::size_t Stream::unacknowledged() const noexcept {
  int bytes = 0;
  if (!open() || ::ioctl(descriptor(), SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

void Stream::finish_writing() {
  auto request = std::make_unique<uv_shutdown_t>();
  // It fails only on a connection that is already broken or finished: nothing is left to do then.
  if (uv_shutdown(request.get(), handle_, Callbacks::finished) == 0) (void)request.release();
}

void Stream::reset() noexcept {
  if (!open()) return;
  // Like uv_tcp_close_reset, which refuses a connection with a pending shutdown.
  linger at_once{.l_onoff = 1, .l_linger = 0};
  if (reinterpret_cast<uv_handle_t*>(handle_)->type == UV_TCP) {
    (void)::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);  // else a plain close
  }
  close();
}

int Stream::descriptor() const {
  uv_os_fd_t fd = -1;
  (void)uv_fileno(reinterpret_cast<const uv_handle_t*>(handle_), &fd);  // fd stays -1 on failure
  return fd;
}

}  // namespace gracevisor::loop
