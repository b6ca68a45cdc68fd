#include "support/http_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <limits>

namespace gracevisor::test {
namespace {

using base::Expected;
using std::chrono::steady_clock;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// The whole of `text` as a number, digits only.
std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::optional<std::string> Response::header(std::string_view name) const {
  std::string wanted = lower(name);
  for (const auto& [field, value] : headers) {
    if (lower(field) == wanted) return value;
  }
  return std::nullopt;
}

std::string to_text(const Request& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host + "\r\n";
  for (const auto& [name, value] : request.headers)
    text.append(name).append(": ").append(value).append("\r\n");
  bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (request.chunked) {
    text += "Transfer-Encoding: chunked\r\n\r\n";
    constexpr std::size_t kChunk = 1000;  // several chunks even for short bodies
    for (std::size_t at = 0; at < request.body.size(); at += kChunk) {
      std::string piece = request.body.substr(at, kChunk);
      char size[20];
      auto [end, problem] = std::to_chars(size, size + sizeof size, piece.size(), 16);
      (void)problem;  // the buffer holds every number
      text.append(size, end).append("\r\n").append(piece).append("\r\n");
    }
    return text + "0\r\n\r\n";
  }
  if (has_body) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

Expected<HttpConnection> HttpConnection::connect(const base::Address& address,
                                                 std::chrono::milliseconds patience) {
  base::UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket", errno);
  HttpConnection connection(std::move(fd), patience);
  if (::connect(connection.fd_.get(), address.get(), address.length()) != 0) {
    if (errno != EINPROGRESS) return base::fail_errno("connect to " + address.text(), errno);
    auto ready = connection.wait_for(POLLOUT, steady_clock::now() + patience);
    if (!ready) return std::unexpected(ready.error());
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(connection.fd_.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
    if (code != 0) return base::fail_errno("connect to " + address.text(), code);
  }
  return connection;
}

Expected<short> HttpConnection::wait_for(short events, steady_clock::time_point deadline) {
  pollfd wanted{fd_.get(), events, 0};
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return base::fail_errno("no progress in time", ETIMEDOUT);
    int ready = ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return wanted.revents;
    if (ready < 0 && errno != EINTR) return base::fail_errno("poll", errno);
  }
}

Expected<void> HttpConnection::send(std::string_view bytes) {
  auto deadline = steady_clock::now() + patience_;
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      // An answer that begins before the request has ended is taken in: else both sides could wait for ever.
      auto ready = wait_for(POLLOUT | POLLIN, deadline);
      if (!ready) return std::unexpected(ready.error());
      if ((*ready & POLLOUT) == 0) {
        auto more = receive();
        if (!more) return std::unexpected(more.error());
        if (!*more) return base::fail("closed within the request");
      }
    } else if (errno != EINTR) {
      return base::fail_errno("send", errno);
    }
  }
  return {};
}

Expected<bool> HttpConnection::receive() {
  if (auto ready = wait_for(POLLIN, steady_clock::now() + patience_); !ready) {
    return std::unexpected(ready.error());
  }
  char buffer[16384];
  ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (got < 0) return base::fail_errno("receive", errno);
  input_.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

void HttpConnection::finish_sending() {
  (void)::shutdown(fd_.get(), SHUT_WR);
}

bool HttpConnection::closed_by_server() {
  char byte = 0;
  ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

Expected<std::string> HttpConnection::take_line() {
  constexpr std::size_t kLongest = 65536;
  std::size_t end = input_.find('\n');
  while (end == std::string::npos) {
    if (input_.size() > kLongest) return base::fail("a line without end");
    auto more = receive();
    if (!more) return std::unexpected(more.error());
    if (!*more) return base::fail(input_.empty() ? "closed before the answer" : "closed within a line");
    end = input_.find('\n');
  }
  if (end == 0 || input_[end - 1] != '\r') return base::fail("a line that ends without CR");
  std::string line = input_.substr(0, end - 1);
  input_.erase(0, end + 1);
  return line;
}

Expected<std::string> HttpConnection::take_bytes(std::uint64_t count) {
  while (input_.size() < count) {
    auto more = receive();
    if (!more) return std::unexpected(more.error());
    if (!*more) return base::fail("closed within a body");
  }
  std::string bytes = input_.substr(0, count);
  input_.erase(0, count);
  return bytes;
}

Expected<Response> HttpConnection::read_head() {
  auto line = take_line();
  if (!line) return std::unexpected(line.error());
  Response response;
  // "HTTP/1.1 200 OK": version, three digits, a space.
  auto status = line->size() >= 12 ? number(line->substr(9, 3), 10) : std::nullopt;
  bool whole = line->starts_with("HTTP/1.") && line->size() >= 13 && (*line)[8] == ' ' && (*line)[12] == ' ';
  if (!whole || !status) return base::fail("not a status line: " + *line);
  response.version = line->substr(0, 8);
  response.status = static_cast<int>(*status);
  while (true) {
    line = take_line();
    if (!line) return std::unexpected(line.error());
    if (line->empty()) break;
    std::size_t colon = line->find(':');
    if (colon == std::string::npos || colon == 0 || line->find_first_of(" \t") < colon) {
      return base::fail("not a header field: " + *line);
    }
    response.headers.emplace_back(line->substr(0, colon), trimmed(std::string_view(*line).substr(colon + 1)));
  }
  std::string connection = lower(response.header("Connection").value_or(""));
  response.keep_alive = connection.find("close") == std::string::npos && response.version == "HTTP/1.1";
  return response;
}

Expected<void> HttpConnection::read_chunks(Response& response) {
  while (true) {
    auto line = take_line();
    if (!line) return std::unexpected(line.error());
    auto size = number(*line, 16);
    if (!size) return base::fail("not a chunk's size: " + *line);
    if (*size == 0) break;
    auto bytes = take_bytes(*size);
    if (!bytes) return std::unexpected(bytes.error());
    response.body += *bytes;
    line = take_line();
    if (!line) return std::unexpected(line.error());
    if (!line->empty()) return base::fail("a chunk longer than its size");
  }
  while (true) {  // trailers
    auto line = take_line();
    if (!line) return std::unexpected(line.error());
    if (line->empty()) return {};
  }
}

Expected<void> HttpConnection::read_body(Response& response) {
  auto encoding = response.header("Transfer-Encoding");
  auto length = response.header("Content-Length");
  if (encoding && length) return base::fail("both a length and a transfer coding");
  if (encoding) {
    if (lower(*encoding) != "chunked") return base::fail("unknown transfer coding " + *encoding);
    response.chunked = true;
    return read_chunks(response);
  }
  if (length) {
    auto count = number(*length, 10);
    if (!count) return base::fail("not a length: " + *length);
    auto bytes = take_bytes(*count);
    if (!bytes) return std::unexpected(bytes.error());
    response.body = std::move(*bytes);
    return {};
  }
  response.keep_alive = false;
  for (auto more = receive();; more = receive()) {
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
  }
  response.body = std::move(input_);
  input_.clear();
  return {};
}

Expected<Response> HttpConnection::read_response(bool bodiless) {
  auto response = read_head();
  while (response && response->status >= 100 && response->status < 200 && response->status != 101) {
    response = read_head();
  }
  if (!response) return response;
  if (bodiless || response->status == 204 || response->status == 304 || response->status == 101) {
    return response;
  }
  if (auto body = read_body(*response); !body) return std::unexpected(body.error());
  return response;
}

Expected<Response> HttpConnection::exchange(const Request& request) {
  if (auto sent = send(to_text(request)); !sent) return std::unexpected(sent.error());
  return read_response(request.method == "HEAD");
}

Expected<Response> HttpConnection::get(const std::string& target) {
  Request request;
  request.target = target;
  return exchange(request);
}

Expected<Response> fetch(const base::Address& address, const Request& request,
                         std::chrono::milliseconds patience) {
  auto connection = HttpConnection::connect(address, patience);
  if (!connection) return std::unexpected(connection.error());
  return connection->exchange(request);
}

}  // namespace gracevisor::test
