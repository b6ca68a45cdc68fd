#include "supervise/output_feed.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using gracevisor::supervise::OutputFeed;

namespace {

struct Fixture {
  std::vector<std::string> pieces;
  std::size_t held = 0;
  OutputFeed feed = another();

  OutputFeed another() {
    return OutputFeed([this](std::string_view bytes) { pieces.emplace_back(bytes); }, held);
  }
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "output feed: whole lines go at once and the beginning of one waits for its end") {
  feed.add("one\ntwo\nthr");
  CHECK(all() == "one\ntwo\n");
  CHECK(feed.holds());
  feed.add("ee\n");
  CHECK(all() == "one\ntwo\nthree\n");
  CHECK(pieces.back() == "three\n");
  CHECK_FALSE(feed.holds());
  CHECK(held == 0);
}

TEST_CASE_FIXTURE(Fixture, "output feed: bytes are neither added nor changed") {
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes += static_cast<char>(i * 7 % 256);
  std::string text;
  for (std::size_t at = 0, size = 1; at < bytes.size(); at += size, size = size % 97 + 3) {
    feed.add(std::string_view(bytes).substr(at, size));
  }
  feed.flush();
  CHECK(all() == bytes);
}

TEST_CASE_FIXTURE(Fixture, "output feed: a line of up to a mebibyte waits until it is whole") {
  std::string part(65536, 'x');
  for (int i = 0; i < 15; ++i) feed.add(part);
  CHECK(pieces.empty());
  CHECK(held == 15 * part.size());
  feed.add("end\n");
  CHECK(all().size() == 15 * part.size() + 4);
  CHECK(held == 0);
}

TEST_CASE_FIXTURE(Fixture, "output feed: a longer line goes on as it comes and holds no memory") {
  std::string part(65536, 'x');
  for (int i = 0; i < 64; ++i) feed.add(part);
  CHECK(held == 0);
  CHECK(all().size() == 64 * part.size());
  feed.add("end\nnext");
  CHECK(all().ends_with("xend\n"));
  CHECK(held == 4);
}

TEST_CASE_FIXTURE(Fixture, "output feed: many streams with long lines share what is held") {
  std::string part(65536, 'x');
  std::vector<OutputFeed> feeds;
  feeds.reserve(100);
  for (int i = 0; i < 100; ++i) feeds.push_back(another());
  for (int round = 0; round < 8; ++round) {
    for (OutputFeed& each : feeds) each.add(part);
  }
  CHECK(held <= OutputFeed::kAll + 100 * OutputFeed::kSure);
  for (OutputFeed& each : feeds) each.flush();
  CHECK(held == 0);
  CHECK(all().size() == 800 * part.size());
}

TEST_CASE_FIXTURE(Fixture, "output feed: what was flushed goes on in its line without waiting") {
  feed.add("progress: ");
  feed.flush();
  CHECK(all() == "progress: ");
  feed.add("half, ");
  CHECK(all() == "progress: half, ");
  feed.add("done\nnext");
  CHECK(all() == "progress: half, done\n");
  CHECK(feed.holds());
}

TEST_CASE_FIXTURE(Fixture, "output feed: one that ends gives back what it held") {
  {
    OutputFeed other = another();
    other.add("unfinished");
    CHECK(held == 10);
  }
  CHECK(held == 0);
}
