#include "spawn/plan_codec.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "spawn/protocol.h"

namespace gracevisor::spawn {
namespace {

SpawnPlan rich_plan() {
  SpawnPlan plan;
  plan.program = "/bin/sh";
  plan.argv = {"sh", "", "\xff\xfe", "two words"};
  plan.environment = {"A=1", "B="};
  plan.directory = "/srv";
  plan.credentials = Credentials{1, 2, {3, 4}, "name", "/home", "/bin/zsh"};
  plan.open_files = 1024;
  plan.listener = 17;
  plan.limits = {ResourceLimit{5, 6},
                 ResourceLimit{7, ~0ULL},
                 ResourceLimit{0, 0},
                 -20,
                 0x4007,
                 -1000,
                 1ULL << 40U,
                 512,
                 150};
  plan.cgroup = "/sys/fs/cgroup/x/web@43.1-7";
  plan.umask = 077;
  plan.capabilities = 0x8000000000000001;
  plan.no_new_privileges = true;
  plan.private_tmp = true;
  plan.read_only = {"/etc", "/srv/\xff"};
  plan.trial = true;
  return plan;
}

TEST_CASE("plan codec: everything comes back as it was") {
  auto plan = rich_plan();
  auto back = decode_plan(encode_plan(plan));
  REQUIRE(back.has_value());
  CHECK(back->program == plan.program);
  CHECK(back->argv == plan.argv);
  CHECK(back->environment == plan.environment);
  CHECK(back->directory == plan.directory);
  CHECK(back->open_files == plan.open_files);
  CHECK(back->listener == kListenerFd);
  REQUIRE(back->credentials.has_value());
  CHECK(back->credentials->uid == 1);
  CHECK(back->credentials->gid == 2);
  CHECK(back->credentials->groups == std::vector<gid_t>{3, 4});
  CHECK(back->credentials->name == "name");
  CHECK(back->credentials->home == "/home");
  CHECK(back->credentials->shell == "/bin/zsh");
  CHECK(back->cgroup == plan.cgroup);
  CHECK(back->limits == plan.limits);
  CHECK(back->umask == 077);
  CHECK(back->capabilities == plan.capabilities);
  CHECK(back->no_new_privileges);
  CHECK(back->private_tmp);
  CHECK(back->read_only == plan.read_only);
  CHECK(back->trial);

  auto empty = decode_plan(encode_plan({}));
  REQUIRE(empty.has_value());
  CHECK(!empty->credentials.has_value());
  CHECK(!empty->open_files.has_value());
  CHECK(empty->listener == -1);
  CHECK(empty->limits == Limits());
  CHECK(empty->umask == 022);
  CHECK(empty->capabilities == 0);
  CHECK_FALSE(empty->no_new_privileges);
  CHECK_FALSE(empty->private_tmp);
  CHECK(empty->read_only.empty());
  CHECK_FALSE(empty->trial);
}

TEST_CASE("plan codec: what is cut or longer at any place is refused") {
  std::string whole = encode_plan(rich_plan());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(!decode_plan(std::string_view(whole).substr(0, size)).has_value());
  }
  CHECK(!decode_plan(whole + "x").has_value());
  CHECK(!decode_plan(std::string(1000, '\xff')).has_value());
}

TEST_CASE("plan codec: the plan of another version is told from one that is damaged") {
  std::string other = encode_plan(rich_plan());
  other[0] = static_cast<char>(other[0] + 1);
  auto refused = decode_plan(other);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == EPROTONOSUPPORT);
  auto cut = decode_plan(std::string_view(encode_plan(rich_plan())).substr(0, 40));
  REQUIRE(!cut.has_value());
  CHECK(cut.error().code == EBADMSG);
}

TEST_CASE("plan codec: a sealed plan can be read from any offset and never changed") {
  auto fd = seal_plan(rich_plan());
  REQUIRE(fd.has_value());
  CHECK(::write(fd->get(), "x", 1) == -1);
  CHECK(::ftruncate(fd->get(), 0) == -1);
  CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  auto back = read_sealed_plan(fd->get());
  REQUIRE(back.has_value());
  CHECK(back->argv == rich_plan().argv);
}

TEST_CASE("plan codec: what is no sealed memfd is refused") {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  CHECK(!read_sealed_plan(pipe->read_end.get()).has_value());
  CHECK(!read_sealed_plan(-1).has_value());
}

TEST_CASE("plan codec: a plan beyond the bound is refused") {
  SpawnPlan plan;
  plan.argv = {std::string(17U << 20, 'x')};
  auto fd = seal_plan(plan);
  REQUIRE(!fd.has_value());
  CHECK(fd.error().code == E2BIG);
}

}  // namespace
}  // namespace gracevisor::spawn
