#include "base/numbered_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::base;
using test::content_of;
using test::put_content;

namespace {

struct Fixture {
  test::TempFolder folder;
  UniqueFd fd{::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

  void put(const std::string& name, const std::string& content) { put_content(folder / name, content); }
  [[nodiscard]] std::string all() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      names.push_back(entry.path().filename().string() + "=" + content_of(entry.path()));
    }
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) text += name + " ";
    return text;
  }
  [[nodiscard]] std::uint64_t inode(const std::string& name) const {
    struct stat st{};
    REQUIRE(::stat((folder / name).c_str(), &st) == 0);
    return st.st_ino;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "numbered files: compressed ones move and go with the others") {
  put("a", "0");
  put("a.1", "1");
  put("a.2.gz", "2");
  put("a.3.gz", "3");
  put("b.1", "other");
  REQUIRE(shift_old_files(fd.get(), "a", 3).has_value());
  CHECK(all() == "a.1=0 a.2=1 a.3.gz=2 b.1=other ");
  put("a", "new");
  REQUIRE(shift_old_files(fd.get(), "a", 3).has_value());
  CHECK(all() == "a.1=new a.2=0 a.3=1 b.1=other ");
  // Both forms of one number are there after a crash.
  put("a.2.gz", "0");
  put("a", "newest");
  REQUIRE(shift_old_files(fd.get(), "a", 5).has_value());
  CHECK(all() == "a.1=newest a.2=new a.3.gz=0 a.3=0 a.4=1 b.1=other ");
  put("a.5.gz", "5");
  put("a", "last");
  REQUIRE(shift_old_files(fd.get(), "a", 1).has_value());
  CHECK(all() == "a.1=last b.1=other ");
}

TEST_CASE_FIXTURE(Fixture,
                  "numbered files: a list has regular files alone, and is read back by another process") {
  put("a", "12345");
  put("a.1", "1");
  put("a.2.gz", "22");
  put("a.2", "222");
  std::filesystem::create_symlink("a", folder / "a.3");
  std::filesystem::create_directory(folder / "a.4");
  put("a.6", "behind two that are missing");
  const std::vector<OldFile> files = list_old_files(fd.get(), "a");
  REQUIRE(files.size() == 4);
  CHECK(files[0].number == 0);
  CHECK(files[0].size == 5);
  CHECK(files[0].inode == inode("a"));
  CHECK(files[1].number == 1);
  CHECK_FALSE(files[2].compressed);
  CHECK(files[3].compressed);
  CHECK(files[3].size == 2);
  const auto read = decode_old_files(encode(files));
  REQUIRE(read.has_value());
  CHECK(*read == files);
  CHECK(decode_old_files("")->empty());
  for (const char* bad : {"x", "1", "1 0 5 7 9", "1 2 5 7 9\n", "1 0 5 7 -9\n", "9999 0 5 7 9\n",
                          "1 0 5 7 9 \n", "1  0 5 7 9\n", "1 0 99999999999999999999 7 9\n"}) {
    CHECK(decode_old_files(bad).error().code == EBADMSG);
  }
}

TEST_CASE_FIXTURE(
    Fixture, "numbered files: what is compressed takes the place of its source, wherever that is by then") {
  put("a.1", "one");
  const std::uint64_t source = inode("a.1");
  auto part = begin_compressed(fd.get(), "a", 0640);
  REQUIRE(part.has_value());
  // Not by two at once.
  CHECK(begin_compressed(fd.get(), "a", 0640).error().code == EBUSY);
  REQUIRE(::write(part->get(), "gz", 2) == 2);
  put("a", "zero");
  REQUIRE(shift_old_files(fd.get(), "a", 5).has_value());
  REQUIRE(end_compressed(fd.get(), "a", source).has_value());
  CHECK(all() == "a.1=zero a.2.gz=gz ");
  part->reset();
  // One that is left is no obstacle, and one whose source is gone leaves nothing.
  put("a.gz.part", "left");
  part = begin_compressed(fd.get(), "a", 0640);
  REQUIRE(part.has_value());
  CHECK(end_compressed(fd.get(), "a", source).error().code == ENOENT);
  CHECK(all() == "a.1=zero a.2.gz=gz ");
}

TEST_CASE_FIXTURE(Fixture,
                  "numbered files: the compressed form keeps the time of its source, by which it is judged") {
  put("a.1", "one");
  const timespec times[2] = {{1'000'000, 0}, {1'000'000, 0}};
  REQUIRE(::utimensat(fd.get(), "a.1", times, 0) == 0);
  auto part = begin_compressed(fd.get(), "a", 0640);
  REQUIRE(part.has_value());
  REQUIRE(end_compressed(fd.get(), "a", inode("a.1")).has_value());
  const auto files = list_old_files(fd.get(), "a");
  REQUIRE(files.size() == 1);
  CHECK(files[0].changed == 1'000'000);
  CHECK(files[0].compressed);
}
