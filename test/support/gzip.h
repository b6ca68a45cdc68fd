// What gzip makes of something. Thread: any.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

namespace gracevisor::test {

[[nodiscard]] inline std::string gzipped(const std::string& plain) {
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string in = plain;
  std::string out(::deflateBound(&stream, in.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  REQUIRE(::deflateEnd(&stream) == Z_OK);
  return out;
}

}  // namespace gracevisor::test
