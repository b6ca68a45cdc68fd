#include "spawn/file_request.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace gracevisor::spawn {
namespace {

FileRequest sample() {
  FileRequest request;
  request.deed = FileDeed::rotate;
  request.path = "/srv/web/log/web.log";
  request.who.uid = 33;
  request.who.gid = 34;
  request.who.groups = {33, 50};
  request.limit = (7ULL << 32U) + 5;
  return request;
}

TEST_CASE("file request: everything arrives") {
  auto read = decode_file_request(encode(sample()));
  REQUIRE(read.has_value());
  CHECK(read->deed == FileDeed::rotate);
  CHECK(read->path == "/srv/web/log/web.log");
  CHECK(read->who.uid == 33);
  CHECK(read->who.gid == 34);
  CHECK(read->who.groups == std::vector<gid_t>{33, 50});
  CHECK(read->limit == (7ULL << 32U) + 5);
}

TEST_CASE("file request: what is cut, relative or of another kind is an error") {
  std::string whole = encode(sample());
  for (std::size_t size = 0; size <= whole.size() - sample().path.size(); ++size) {
    CHECK_FALSE(decode_file_request(whole.substr(0, size)).has_value());
  }
  FileRequest relative = sample();
  relative.path = "web.log";
  CHECK(decode_file_request(encode(relative)).error().code == EBADMSG);
  FileRequest cut = sample();
  cut.path.push_back('\0');
  CHECK(decode_file_request(encode(cut)).error().code == EBADMSG);
  whole[0] = static_cast<char>(whole[0] ^ 1);
  CHECK(decode_file_request(whole).error().code == EPROTONOSUPPORT);
  // A count of groups that the bytes do not have.
  std::string many = encode(sample());
  many[24] = many[25] = many[26] = many[27] = static_cast<char>(0xff);
  CHECK_FALSE(decode_file_request(many).has_value());
}

TEST_CASE("file request: the answer has code, judgement and cause, which is cut when it is long") {
  auto read = decode_file_answer(encode(FileAnswer{EACCES, 1, "cannot open /x"}));
  REQUIRE(read.has_value());
  CHECK(read->code == EACCES);
  CHECK(read->refused == 1);
  CHECK(read->text == "cannot open /x");
  CHECK(decode_file_answer(encode(FileAnswer{1, 0, std::string(9000, 'x')}))->text.size() ==
        FileAnswer::kMostText);
  CHECK_FALSE(decode_file_answer("x").has_value());
}

}  // namespace
}  // namespace gracevisor::spawn
