#include "output/inflater.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "output/log_read.h"
#include "support/gzip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using test::gzipped;
using test::put_content;

namespace {

struct Fixture {
  test::TempFolder folder;
  std::string file = (folder / "a.gz").string();
  int steps = 0;

  base::Expected<std::string> inflate(const std::string& content) {
    put_content(file, content);
    auto begun = Inflater::begin(base::UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)));
    REQUIRE(begun.has_value());
    for (steps = 1;; ++steps) {
      const auto more = (*begun)->step();
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
    }
    std::string plain((*begun)->size(), '\0');
    const base::UniqueFd fd = (*begun)->take();
    REQUIRE(::pread(fd.get(), plain.data(), plain.size(), 0) == static_cast<ssize_t>(plain.size()));
    return plain;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "inflater: a file becomes what it was, in steps that are no longer for a larger one") {
  std::string plain;
  for (int i = 0; plain.size() < 3 * Inflater::kSlice; ++i) plain += "line " + std::to_string(i) + "\n";
  CHECK(inflate(gzipped(plain)).value() == plain);
  CHECK(steps >= 3);
  CHECK(inflate(gzipped("a\n") + gzipped("") + gzipped("b\n")).value() == "a\nb\n");
  CHECK(inflate(gzipped("")).value().empty());
  CHECK(inflate("").value().empty());
  std::string binary(100'000, '\0');
  for (std::size_t i = 0; i < binary.size(); ++i) binary[i] = static_cast<char>(i * i >> 3U);
  CHECK(inflate(gzipped(binary)).value() == binary);
}

TEST_CASE_FIXTURE(Fixture, "inflater: no step reads much of a file that becomes nothing") {
  const std::string nothing = gzipped("");
  std::string much;
  while (much.size() < 4 * Inflater::kSlice) much += nothing;
  CHECK(inflate(much).value().empty());
  CHECK(steps > 4);
}

TEST_CASE_FIXTURE(Fixture, "inflater: what is damaged, cut, something else or endless is an error") {
  const std::string good = gzipped("line one\nline two\n");
  for (std::size_t size = 1; size < good.size(); ++size) {
    CHECK(inflate(good.substr(0, size)).error().code == EBADMSG);
  }
  std::string bad = good;
  bad[bad.size() - 5] = static_cast<char>(bad[bad.size() - 5] ^ 1);
  CHECK(inflate(bad).error().code == EBADMSG);
  CHECK(inflate("no gzip at all\n").error().code == EBADMSG);
  CHECK(inflate(good + "and more").error().code == EBADMSG);
  const std::string much = gzipped(std::string(Inflater::kMost / 4, 'x'));
  CHECK(inflate(much + much + much + much).value().size() == Inflater::kMost);
  CHECK(inflate(much + much + much + much + gzipped("x")).error().code == EFBIG);
}

TEST_CASE_FIXTURE(Fixture,
                  "log read: compressed old files are read like others, and one that cannot be is named") {
  const std::string log = (folder / "web.log").string();
  put_content(log, "six\n");
  put_content(log + ".1", "five\n");
  put_content(log + ".2.gz", gzipped("three\nfour\n"));
  put_content(log + ".3.gz", gzipped("two\n"));
  put_content(log + ".4", "one\n");
  const auto read = [&](std::size_t lines) {
    LogReading what;
    what.policy.path = log;
    what.app = "web";
    what.query.lines = lines;
    LogReader reader(what, std::make_shared<const LogOpener>());
    while (reader.step()) {
    }
    return reader.take();
  };
  const auto text = [](const LogRead& found) {
    std::string all;
    for (const FileLine& line : found.lines) all += line.text + " ";
    return all;
  };
  CHECK(text(read(100)) == "one two three four five six ");
  CHECK(text(read(3)) == "four five six ");
  put_content(log + ".3.gz", gzipped("two\n").substr(0, 12));
  const LogRead found = read(100);
  CHECK(text(found) == "three four five six ");
  CHECK(found.trouble == "older lines are left out: " + log + ".3.gz: it is cut (zcat " + log + ".3.gz)");
  // The plain form counts if both are there.
  put_content(log + ".3", "two\n");
  CHECK(text(read(100)) == "one two three four five six ");
}
