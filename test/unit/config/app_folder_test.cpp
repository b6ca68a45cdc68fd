// The folder of daemon.autodiscover: which files it has, and what they may say.
#include "config/app_folder.h"

#include <unistd.h>

#include <filesystem>

#include "loading.h"

namespace gracevisor::config {
namespace {

using test::Folder;
using test::joined;
using test::lines;
using Strings = std::vector<std::string>;
using Names = std::set<std::string>;

DaemonUser me() {
  DaemonUser user = current_user();
  user.checks = false;
  return user;
}

std::string worker(const std::string& name, const std::string& more = "") {
  return "[app." + name + "]\ncommand = \"sleep 600\"\nendpoint = \"none\"\n" + more;
}

struct Fixture {
  Folder folder;
  std::string main;

  Fixture() {
    std::filesystem::create_directory(folder.path("apps.d"));
    main = folder.write("main.toml", "[daemon]\nautodiscover = \"apps.d\"\n" + worker("base"));
  }
  void write(const std::string& name, const std::string& text, unsigned mode = 0644) const {
    (void)folder.write("apps.d/" + name, text, mode);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder.path("apps.d/" + name); }
  [[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load_main() const { return load(main, me()); }
  [[nodiscard]] std::string problems() const {
    auto loaded = load_main();
    return loaded ? "" : joined(lines(loaded.error()));
  }
  [[nodiscard]] Loaded loaded() const {
    auto loaded = load_main();
    REQUIRE_MESSAGE(loaded.has_value(), problems());
    return std::move(*loaded);
  }
  [[nodiscard]] AppFolderLoad changed(const Files& trees, const AppFolderChange& change) const {
    auto load = load_app_folder(trees, folder.path("apps.d"), change, me());
    REQUIRE_MESSAGE(load.has_value(), joined(lines(load.error())));
    return std::move(*load);
  }
};

Strings apps_in(const Config& config) {
  Strings names;
  for (const App& app : config.apps) names.push_back(app.name);
  return names;
}

Names refused(const AppFolderLoad& load) {
  Names names;
  for (const auto& [name, errors] : load.refused) names.insert(name);
  return names;
}

TEST_CASE_FIXTURE(Fixture, "app folder: its *.toml files define apps, in the order of their names") {
  write("b.toml", worker("two"));
  write("a.toml", worker("one"));
  write("readme", "no configuration");
  write(".hidden.toml", "no configuration");
  write("a.toml~", "no configuration");
  const Config config = loaded().config;
  CHECK(apps_in(config) == Strings{"base", "one", "two"});
  CHECK(config.places.find("app.one.command")->file == path("a.toml"));
  REQUIRE(config.trees != nullptr);
  CHECK(config.trees->size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "app folder: it may say nothing but apps") {
  write("a.toml", "include = \"x\"\n[daemon]\nworkers = 3\n[listen.x]\naddress = \"*:80\"\n");
  const std::string only = "a file in the folder of daemon.autodiscover may only have [app.NAME] tables\n";
  CHECK(problems() == path("a.toml") + ":1:1: include: " + only + path("a.toml") + ":2:2: daemon: " + only +
                          path("a.toml") + ":4:2: listen: " + only);
}

TEST_CASE_FIXTURE(Fixture, "app folder: a link is told and not followed, and neither is a folder") {
  write("real", worker("linked"));
  std::filesystem::create_symlink(path("real"), path("link.toml"));
  std::filesystem::create_directory(path("folder.toml"));
  write("new\nline.toml", worker("odd"));
  const Loaded all = loaded();
  CHECK(apps_in(all.config) == Strings{"base"});
  const Strings warnings = lines(all.warnings);
  const auto told = [&](const std::string& line) {
    return std::ranges::find(warnings, line) != warnings.end();
  };
  CHECK(told(path("link.toml") + ":1:1: is a symbolic link, and not read"));
  CHECK(told(path("new line.toml") + ":1:1: has an odd name, and is not read"));
  CHECK(told(path("folder.toml") + ":1:1: is no regular file, and not read"));
}

TEST_CASE_FIXTURE(Fixture, "app folder: none that is missing is an error, and one that cannot be read is") {
  std::filesystem::remove(folder.path("apps.d"));
  const Loaded all = loaded();
  CHECK(lines(all.absences) ==
        Strings{main + ":2:16: daemon.autodiscover: there is no " + folder.path("apps.d")});
  (void)folder.write("apps.d", "a file");
  CHECK(problems() ==
        main + ":2:16: daemon.autodiscover: cannot open " + folder.path("apps.d") + ": Not a directory\n");
}

// Not root for as long as it lives, where the tests run as root.
struct AsNobody {
  AsNobody() {
    if (is_root) REQUIRE(::seteuid(65534) == 0);
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (is_root) CHECK(::seteuid(0) == 0);
  }
  bool is_root = ::geteuid() == 0;
};

TEST_CASE_FIXTURE(Fixture, "app folder: a file that cannot be looked at has not gone") {
  using std::filesystem::perms;
  write("a.toml", worker("one"));
  std::filesystem::permissions(folder.path(""), perms(0755));
  std::filesystem::permissions(folder.path("apps.d"), perms(0444));  // its names can be read, and no more
  {
    const AsNobody nobody;
    const auto listing = list_app_folder(folder.path("apps.d"));
    REQUIRE_FALSE(listing.has_value());
    CHECK(listing.error().what == "cannot stat a.toml: Permission denied");
  }
  std::filesystem::permissions(folder.path("apps.d"), perms(0755));
  CHECK(list_app_folder(folder.path("apps.d"))->files.size() == 1);
}

TEST_CASE("app folder: which names are looked at") {
  CHECK(is_app_file("a.toml"));
  for (const char* name : {"", ".a.toml", ".toml", "a.toml~", "a.toml.swp", "4913", "a.TOML"}) {
    INFO(name);
    CHECK_FALSE(is_app_file(name));
  }
}

TEST_CASE_FIXTURE(Fixture, "app folder: what others could write is no configuration") {
  write("a.toml", worker("one"), 0666);
  CHECK(problems().starts_with(path("a.toml") + ":1:1: the file can be written by "));
  std::filesystem::remove(path("a.toml"));
  std::filesystem::permissions(folder.path("apps.d"), std::filesystem::perms::all);
  CHECK(problems().starts_with(folder.path("apps.d") + ":1:1: the folder can be written by "));
}

TEST_CASE_FIXTURE(Fixture, "app folder: a file that is included, too, is an error") {
  write("a.toml", worker("one"));
  (void)folder.write("main.toml",
                     "include = \"apps.d/a*.toml\"\n[daemon]\nautodiscover = \"apps.d\"\n" + worker("base"));
  CHECK(problems() == main + ":3:16: daemon.autodiscover: " + path("a.toml") +
                          " is included, too: let one of the two be\n");
  // And one that would be.
  std::filesystem::remove(path("a.toml"));
  const Loaded before = loaded();
  write("a.toml", worker("one"));
  const AppFolderLoad load =
      changed(*before.config.trees, {.changed = {"a.toml"}, .missing = {}, .gone = {}});
  CHECK(refused(load) == Names{"a.toml"});
}

TEST_CASE_FIXTURE(Fixture, "app folder change: only what changed in it is read again") {
  write("a.toml", worker("one"));
  write("b.toml", worker("two"));
  const Loaded before = loaded();
  (void)folder.write("main.toml", "half an edi");
  write("a.toml", worker("one", "instances = 2\n"));
  write("b.toml", worker("two", "instances = 2\n"));
  write("c.toml", worker("three"));
  const AppFolderLoad load =
      changed(*before.config.trees, {.changed = {"a.toml", "c.toml"}, .missing = {}, .gone = {}});
  const Config& config = load.loaded.config;
  CHECK(apps_in(config) == Strings{"base", "one", "two", "three"});
  CHECK(config.find_app("one")->instances == 2);
  CHECK(config.find_app("two")->instances == 1);
  CHECK(load.apps == std::map<std::string, Names>{{"a.toml", {"one"}}, {"c.toml", {"three"}}});
  CHECK(load.refused.empty());
}

TEST_CASE_FIXTURE(Fixture, "app folder change: a bad file stays as it was, and the others are taken") {
  write("a.toml", worker("one"));
  write("b.toml", worker("two"));
  const Loaded before = loaded();
  write("a.toml", "[app.one\n");
  write("b.toml", worker("two", "instances = 2\n"));
  write("c.toml", worker("base"));
  write("d.toml", worker("four", "helth = 1\n"));
  write("e.toml", "[daemon]\nworkers = 1\n" + worker("five"));
  const AppFolderLoad load =
      changed(*before.config.trees,
              {.changed = {"a.toml", "b.toml", "c.toml", "d.toml", "e.toml"}, .missing = {}, .gone = {}});
  CHECK(refused(load) == Names{"a.toml", "c.toml", "d.toml", "e.toml"});
  CHECK(load.refused.at("d.toml").front().line().starts_with(path("d.toml") + ":4:1: app.four.helth"));
  CHECK(apps_in(load.loaded.config) == Strings{"base", "one", "two"});
  CHECK(load.loaded.config.find_app("two")->instances == 2);
  CHECK(load.apps == std::map<std::string, Names>{{"b.toml", {"two"}}});
}

TEST_CASE_FIXTURE(Fixture, "app folder change: what is missing counts until it is gone or elsewhere") {
  write("a.toml", worker("one"));
  write("b.toml", worker("two"));
  const Loaded before = loaded();
  std::filesystem::remove(path("a.toml"));
  std::filesystem::rename(path("b.toml"), path("c.toml"));
  const AppFolderLoad moved =
      changed(*before.config.trees, {.changed = {"c.toml"}, .missing = {"a.toml", "b.toml"}, .gone = {}});
  CHECK(moved.dropped == Names{"b.toml"});
  CHECK(moved.refused.empty());
  CHECK(apps_in(moved.loaded.config) == Strings{"base", "one", "two"});
  const AppFolderLoad gone =
      changed(*moved.loaded.config.trees, {.changed = {}, .missing = {"a.toml"}, .gone = {"a.toml"}});
  CHECK(apps_in(gone.loaded.config) == Strings{"base", "two"});
  CHECK(gone.apps == std::map<std::string, Names>{{"a.toml", {"one"}}});
}

TEST_CASE_FIXTURE(Fixture, "app folder change: a file that others need is not removed") {
  (void)folder.write("main.toml",
                     "[daemon]\nautodiscover = \"apps.d\"\n[listen.x]\naddress = \"127.0.0.1:81\"\n"
                     "default = \"one\"\n");
  write("a.toml", "[app.one]\ncommand = \"x\"\nlisten = \"x\"\n");
  const Loaded before = loaded();
  std::filesystem::remove(path("a.toml"));
  const AppFolderLoad load =
      changed(*before.config.trees, {.changed = {}, .missing = {"a.toml"}, .gone = {"a.toml"}});
  CHECK(refused(load) == Names{"a.toml"});
  CHECK(apps_in(load.loaded.config) == Strings{"one"});
}

TEST_CASE_FIXTURE(Fixture, "app folder change: after a reload, what is still missing is kept in mind") {
  write("a.toml", worker("one"));
  const Loaded before = loaded();
  std::filesystem::remove(path("a.toml"));
  const Files kept = with_lost(*loaded().config.trees, *before.config.trees);
  REQUIRE(kept.size() == 2);
  CHECK(apps_of(kept.back()) == Names{"one"});
}

TEST_CASE_FIXTURE(Fixture, "app folder change: after a reload, so are the apps that files lost") {
  write("a.toml", worker("one") + worker("two") + worker("three"));
  write("b.toml", worker("four"));
  write("c.toml", worker("five"));
  const Loaded before = loaded();
  write("a.toml", worker("one"));
  write("b.toml", "");
  write("c.toml", worker("five") + worker("two"));
  const Files kept = with_lost(*loaded().config.trees, *before.config.trees);
  REQUIRE(kept.size() == 4);
  CHECK(apps_of(kept.at(1)) == Names{"one", "three"});
  CHECK(kept.at(1).stamp == base::FileStamp());
  CHECK(apps_of(kept.at(2)) == Names{"four"});
  CHECK(kept.at(2).stamp == base::FileStamp());
  CHECK(apps_of(kept.at(3)) == Names{"five", "two"});
  CHECK(kept.at(3).stamp != base::FileStamp());
  // They are a configuration, from which the files differ again.
  const AppFolderLoad load = changed(kept, {.changed = {"a.toml", "b.toml"}, .missing = {}, .gone = {}});
  CHECK(load.shrunk == Names{"a.toml"});
  CHECK(load.emptied == Names{"b.toml"});
}

TEST_CASE_FIXTURE(Fixture,
                  "app folder change: a file that lost apps stays as it was unless it may lose them") {
  write("a.toml", worker("one") + worker("two"));
  write("b.toml", worker("three"));
  const Loaded before = loaded();
  struct Case {
    std::string a;
    std::string b;
    Names may_shrink;
    Names shrunk;
    Names emptied;
    Strings apps;
  };
  const std::string one = worker("one");
  const std::string two = worker("two");
  const std::string three = worker("three");
  const Strings all = {"base", "one", "two", "three"};
  for (const Case& c : std::vector<Case>{
           {one, three, {}, {"a.toml"}, {}, all},
           {one, three, {"a.toml"}, {}, {}, {"base", "one", "three"}},
           // What is new in it waits, too.
           {one + worker("four"), three, {}, {"a.toml"}, {}, all},
           {"", three, {}, {}, {"a.toml"}, all},
           {"# a comment\n", three, {"a.toml"}, {}, {"a.toml"}, all},
           {"", "", {"a.toml", "b.toml"}, {}, {"a.toml", "b.toml"}, all},
           // Moved, all or one.
           {one, two + three, {}, {}, {}, {"base", "one", "two", "three"}},
           {"", one + two + three, {}, {}, {}, all},
           // Where one went is not taken, as that lost another.
           {one, two, {}, {"a.toml", "b.toml"}, {}, all},
           {one, two, {"b.toml"}, {}, {}, {"base", "one", "two"}},
           {one, two + three + "helth = 1\n", {}, {"a.toml"}, {}, all},
       }) {
    INFO(c.a << "--\n" << c.b);
    write("a.toml", c.a);
    write("b.toml", c.b);
    const AppFolderLoad load =
        changed(*before.config.trees,
                {.changed = {"a.toml", "b.toml"}, .missing = {}, .gone = {}, .may_shrink = c.may_shrink});
    CHECK(load.shrunk == c.shrunk);
    CHECK(load.emptied == c.emptied);
    CHECK(apps_in(load.loaded.config) == c.apps);
    for (const std::string& name : c.emptied) {
      CHECK(
          load.refused.at(name).front().line().starts_with(path(name) + ":1:1: no longer has an [app.NAME]"));
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "app folder change: a renamed file counts if its new name is refused") {
  write("a.toml", worker("one"));
  const Loaded before = loaded();
  std::filesystem::remove(path("a.toml"));
  write("b.toml", worker("one", "helth = 1\n"));
  const AppFolderLoad load =
      changed(*before.config.trees, {.changed = {"b.toml"}, .missing = {"a.toml"}, .gone = {}});
  CHECK(refused(load) == Names{"b.toml"});
  CHECK(load.dropped.empty());
  CHECK(apps_in(load.loaded.config) == Strings{"base", "one"});
}

TEST_CASE_FIXTURE(Fixture, "app folder change: a file that changed since it was looked at is not taken") {
  write("a.toml", worker("one"));
  const Loaded before = loaded();
  write("a.toml", worker("one", "instances = 2\n"));
  const auto stamps = list_app_folder(folder.path("apps.d"))->files;
  const AppFolderLoad same =
      changed(*before.config.trees, {.changed = {"a.toml"}, .missing = {}, .gone = {}, .stamps = stamps});
  CHECK(same.unsettled.empty());
  CHECK(same.loaded.config.find_app("one")->instances == 2);
  write("a.toml", worker("one", "instances = 3 # half\n"));
  const AppFolderLoad load =
      changed(*before.config.trees, {.changed = {"a.toml"}, .missing = {}, .gone = {}, .stamps = stamps});
  CHECK(load.unsettled == Names{"a.toml"});
  CHECK(load.refused.empty());
  CHECK(load.apps.empty());
  CHECK(load.loaded.config.find_app("one")->instances == 1);
}

}  // namespace
}  // namespace gracevisor::config
