// What a hostile peer may send as CBOR is read or refused, and never throws.
#include "succession/cbor.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace gracevisor::succession {
namespace {

using namespace std::string_view_literals;

std::string nested(std::size_t levels) {
  return std::string(levels, '\x81') + '\x01';
}

TEST_CASE("succession cbor: sound bytes are read") {
  CHECK(*read_cbor("\x83\x01\x20\xf5"sv) == nlohmann::json({1, -1, true}));
  CHECK(*read_cbor("\xa1\x61\x61\x9f\x01\xff"sv) == nlohmann::json({{"a", {1}}}));
  CHECK(read_cbor("\x42\x00\xff"sv)->is_binary());
}

TEST_CASE("succession cbor: what is cut or no CBOR is refused") {
  for (const std::string_view bytes : {""sv, "\x83\x01"sv, "\xa1\x61"sv, "\x01\x01"sv, "\xff"sv, "\x1c"sv,
                                       "\x5a"sv, "\x7b\xff\xff\xff\xff\xff\xff\xff\xff"sv}) {
    CAPTURE(bytes);
    CHECK_FALSE(read_cbor(bytes).has_value());
  }
}

TEST_CASE("succession cbor: a list that promises more than there can be is refused") {
  CHECK_FALSE(read_cbor("\x9b\x9b\x9b\x9b\x9b\x9b\xbb\x65\xec\x66\x32"sv).has_value());
  CHECK_FALSE(read_cbor("\xbb\xff\xff\xff\xff\xff\xff\xff\xff"sv).has_value());
  CHECK_FALSE(read_cbor("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv).has_value());
}

TEST_CASE("succession cbor: the deepest and the longest are read, and nothing beyond") {
  CHECK(read_cbor(nested(kDeepestCbor)).has_value());
  CHECK_FALSE(read_cbor(nested(kDeepestCbor + 1)).has_value());
  CHECK_FALSE(read_cbor(std::string(8U << 20U, '\x9f')).has_value());
  const std::string most = '\x9f' + std::string(kMostCborValues - 1, '\x01') + '\xff';
  CHECK(read_cbor(most).has_value());
  CHECK_FALSE(read_cbor('\x9f' + most + '\xff').has_value());
}

}  // namespace
}  // namespace gracevisor::succession
