#!/usr/bin/env python3
"""The habits of the project that a compiler does not check.

    lint.py ROOT           prints each violation as FILE:LINE: what, exit 1 if there is any
    lint.py --self-test    plants one violation of every rule in a folder and expects exactly that to be found

Checked: the direction of includes between the folders of lib/, the fences around libraries, who waits for children, the
names and decorators of test cases, the length of files, words that mark unfinished work, what merges leave, include
guards, and what lies at the top of the repository.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What a folder may include beside itself: folders, or single headers of a folder. None of these may form a circle,
# and only apps/ knows both proxy and supervise.
MAY = {
    "base": [],
    "spawn": ["base"],
    "loop": ["base"],
    # The keeper's own program includes protocol.h, wire.h and spawn/protocol.h alone: it links the C library only.
    "keeper": ["base", "loop", "spawn/exit_status.h"],
    "handoff": ["base"],
    "http": ["base"],
    "config": ["base", "http/limits.h"],
    # Files of other supervisors as a configuration: before the daemon, of which it knows nothing.
    "migrate": ["base", "config"],
    # Between two daemons.
    "succession": ["base", "keeper/wire.h"],
    "routing": ["base", "spawn", "handoff", "http", "config", "succession"],
    "proxy": ["base", "loop", "handoff", "http", "config", "routing", "succession"],
    "output": ["base", "spawn", "loop", "handoff", "routing"],
    # The control plane's rooms. What is frozen knows no loop; deciders are pure; inspecting needs the kernel alone.
    "spec": ["base", "spawn", "config"],
    "decide": ["base", "config", "routing", "spec", "spawn/exit_status.h", "spawn/failure.h", "spawn/process_event.h"],
    "inspect": ["base", "decide/ownership.h"],
    "process": ["base", "spawn", "loop", "keeper", "inspect"],
    # What is seen of the machine and counted, never acted upon.
    "observe": ["base", "loop", "handoff", "inspect"],
    "supervise": ["base", "spawn", "loop", "keeper", "handoff", "http", "config", "routing", "output", "spec", "decide", "inspect",
                  "process", "observe", "succession"],
    # A small HTTP server, which knows nothing of what is asked; and one front of it.
    "serve": ["base", "loop", "http"],
    "control": ["base", "loop", "http", "serve"],
}
# Headers that one folder alone may name.
FENCES = {
    r"uv\.h|uv/.*": "loop",
    r"atomic": "handoff",
    r"llhttp\.h": "http",
    r"toml\+\+/.*|toml\.hpp": "config",
}
# Headers that only these sources may name: what stands above the rest of its folder. So an exchange cannot know what
# carries it.
ABOVE = {
    "proxy/core.h": ["core", "downstream", "entrance", "http1", "inheritance", "worker"],
    "proxy/downstream.h": ["core", "crowd", "downstream", "hand_over", "http1"],
    "proxy/http1.h": ["downstream", "http1"],
    "proxy/exchange_pool.h": ["core", "exchange_pool", "http1"],
}
# The keeper is the parent of everything that outlives a call: it alone waits. These wait for a child of their own that
# they start and end within one call, or before there is a keeper.
WAITS = re.compile(r"(?<!\w)::wait(pid|id|3|4)?\(")
MAY_WAIT = {"lib/spawn/helper_process.cpp", "lib/migrate/node.cpp", "apps/gracevisord/daemonize.cpp"}
TOP_LEVEL = {"CMakeLists.txt", "cmake", "lib", "apps", "configs", "test", "bench", "README.md"}
SOURCE_FOLDERS = ["lib", "apps", "test", "bench"]
MOST_LINES = 400
LEFT_OVER = (".orig", ".rej")
# In pieces, so that this file passes.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEST_CASE = re.compile(r'\b(?:TEST_CASE|SCENARIO|SUBCASE)\w*\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
DECORATOR = re.compile(r"doctest::(skip|may_fail|should_fail|expected_failures|no_breaks|timeout)\b")


class Lint:
    def __init__(self, root):
        self.root = root
        self.found = []

    def say(self, path, line, what):
        self.found.append(f"{path.relative_to(self.root)}:{line}: {what}")

    def run(self):
        self.check_top_level()
        for folder in SOURCE_FOLDERS + ["cmake", "configs"]:
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    self.check_file(path)
        return self.found

    def check_top_level(self):
        for entry in self.tracked_top_level():
            if entry not in TOP_LEVEL and not entry.startswith("."):
                self.say(self.root / entry, 1, "does not belong at the top of the repository")

    def tracked_top_level(self):
        """What git tracks, or would add; without git everything that lies there."""
        listing = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True, check=False)
        inside = (self.root / ".git").exists() and listing.returncode == 0
        if not inside:
            return sorted(entry.name for entry in self.root.iterdir() if entry.name not in ("build",))
        return sorted({line.split("/")[0] for line in listing.stdout.splitlines()})

    def check_file(self, path):
        if path.suffix in LEFT_OVER:
            self.say(path, 1, "left over by a merge")
            return
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return  # test data
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if word := UNFINISHED.search(line):
                self.say(path, number, f"unfinished: {word.group(1)}")
        if path.suffix not in (".h", ".cpp", ".py", ".sh"):
            return
        if path.relative_to(self.root).parts[0] in SOURCE_FOLDERS and len(lines) > MOST_LINES:
            self.say(path, len(lines), f"{len(lines)} lines, at most {MOST_LINES}: split it by subject")
        if path.suffix in (".h", ".cpp"):
            self.check_code(path, text, lines)

    def check_code(self, path, text, lines):
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.say(path, 1, "a header without #pragma once")
        for number, line in enumerate(lines, 1):
            if match := INCLUDE.match(line):
                self.check_include(path, number, match.group(1) == "<", match.group(2))
            if WAITS.search(line) and not self.may_wait(path):
                self.say(path, number, "waits for a child: only the keeper does")
            if match := DECORATOR.search(line):
                self.say(path, number, f"a test case with the decorator {match.group(1)}: none is disabled")
        for match in TEST_CASE.finditer(text):
            name = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1)))
            if ";" in name:
                self.say(path, text.count("\n", 0, match.start()) + 1,
                         "a test case with ';' in its name: discovery splits it into tests that run nothing")

    def may_wait(self, path):
        name = path.relative_to(self.root).as_posix()
        return not name.startswith(("lib/", "apps/")) or name.startswith("apps/gv-keeper/") or name in MAY_WAIT

    def check_include(self, path, number, angled, header):
        parts = path.relative_to(self.root).parts
        layer = parts[1] if parts[0] == "lib" and len(parts) > 2 else None
        for pattern, owner in FENCES.items():
            exempt = layer == owner or (owner == "handoff" and parts[0] == "test")
            # test/unit/loop, test/unit/http: a fence's own tests stand inside it.
            exempt = exempt or (parts[0] == "test" and owner in parts[1:-1])
            if re.fullmatch(pattern, header) and not exempt:
                self.say(path, number, f"<{header}> belongs to lib/{owner} alone")
        if angled or layer is None:
            return
        target = header.split("/")[0]
        if layer not in MAY:
            self.say(path, number, f"lib/{layer} is no layer")
        elif header in ABOVE and not {path.stem, path.stem.split("_")[0]} & set(ABOVE[header]):
            self.say(path, number, f"{header} stands above {path.name}")
        elif target in MAY and target != layer and not {target, header} & set(MAY[layer]):
            self.say(path, number, f"lib/{layer} must not include lib/{target}")


# Rule by rule: a file, its content, and what must be said about it (nothing: the file is in order).
PLANTED = [
    ("lib/base/up.h", '#pragma once\n#include "loop/loop.h"\n', "lib/base must not include lib/loop"),
    ("lib/supervise/p.cpp", '#include "proxy/worker.h"\n', "lib/supervise must not include lib/proxy"),
    ("lib/proxy/s.cpp", '#include "supervise/world.h"\n', "lib/proxy must not include lib/supervise"),
    ("lib/spawn/l.cpp", '#include "loop/loop.h"\n', "lib/spawn must not include lib/loop"),
    ("lib/keeper/p.cpp", '#include "process/life.h"\n', "lib/keeper must not include lib/process"),
    ("lib/process/p.cpp", "int r = ::waitpid(1, nullptr, 0);\n", "waits for a child"),
    ("apps/x/w.cpp", "(void)::waitid(P_ALL, 0, &info, WEXITED);\n", "waits for a child"),
    ("lib/keeper/s.cpp", '#include "spawn/launcher.h"\n', "lib/keeper must not include lib/spawn"),
    ("lib/proxy/o.cpp", '#include "output/writer.h"\n', "lib/proxy must not include lib/output"),
    ("lib/spec/l.cpp", '#include "loop/loop.h"\n', "lib/spec must not include lib/loop"),
    ("lib/spec/d.cpp", '#include "decide/effects.h"\n', "lib/spec must not include lib/decide"),
    ("lib/decide/l.cpp", '#include "loop/timer.h"\n', "lib/decide must not include lib/loop"),
    ("lib/decide/i.cpp", '#include "inspect/listener_owner.h"\n', "lib/decide must not include lib/inspect"),
    ("lib/decide/s.cpp", '#include "spawn/launcher.h"\n', "lib/decide must not include lib/spawn"),
    ("lib/inspect/l.cpp", '#include "loop/loop.h"\n', "lib/inspect must not include lib/loop"),
    ("lib/inspect/d.cpp", '#include "decide/app.h"\n', "lib/inspect must not include lib/decide"),
    ("lib/process/c.cpp", '#include "config/config.h"\n', "lib/process must not include lib/config"),
    ("lib/process/w.cpp", '#include "supervise/world.h"\n', "lib/process must not include lib/supervise"),
    ("lib/proxy/d.cpp", '#include "decide/app.h"\n', "lib/proxy must not include lib/decide"),
    ("lib/control/s.cpp", '#include "supervise/world.h"\n', "lib/control must not include lib/supervise"),
    ("lib/supervise/c.cpp", '#include "control/messages.h"\n', "lib/supervise must not include lib/control"),
    ("lib/serve/c.cpp", '#include "control/access.h"\n', "lib/serve must not include lib/control"),
    ("lib/supervise/v.cpp", '#include "serve/response.h"\n', "lib/supervise must not include lib/serve"),
    ("lib/proxy/exchange_end.cpp", '#include "proxy/downstream.h"\n', "proxy/downstream.h stands above exchange_end.cpp"),
    ("lib/proxy/probe.cpp", '#include "proxy/core.h"\n', "proxy/core.h stands above probe.cpp"),
    ("lib/extra/a.cpp", '#include "base/error.h"\n', "lib/extra is no layer"),
    ("lib/proxy/uv.cpp", "#include <uv.h>\n", "<uv.h> belongs to lib/loop alone"),
    ("apps/x/uv.cpp", "#include <uv.h>\n", "<uv.h> belongs to lib/loop alone"),
    ("lib/proxy/at.cpp", "#include <atomic>\n", "<atomic> belongs to lib/handoff alone"),
    ("lib/proxy/ll.cpp", "#include <llhttp.h>\n", "<llhttp.h> belongs to lib/http alone"),
    ("lib/control/t.cpp", "#include <toml++/toml.h>\n", "<toml++/toml.h> belongs to lib/config alone"),
    ("lib/base/guard.h", "int x;\n", "a header without #pragma once"),
    ("lib/base/long.cpp", "\n" * (MOST_LINES + 1), f"{MOST_LINES + 1} lines"),
    ("test/unit/a.cpp", 'TEST_CASE("one; two") {}\n', "';' in its name"),
    ("test/unit/b.cpp", 'TEST_CASE(\n    "one "\n    "two; three") {}\n', "';' in its name"),
    ("test/unit/c.cpp", 'TEST_CASE("x" * doctest::skip()) {}\n', "decorator skip"),
    ("test/unit/d.cpp", 'TEST_CASE("x" * doctest::may_fail()) {}\n', "decorator may_fail"),
    ("apps/x/u.cpp", "// TO" "DO: later\n", "unfinished: TO" "DO"),
    ("cmake/u.cmake", "# FIX" "ME\n", "unfinished: FIX" "ME"),
    ("lib/base/a.cpp.orig", "int x;\n", "left over by a merge"),
    ("notes.txt", "x\n", "does not belong at the top"),
    ("lib/loop/ok.cpp", "#include <uv.h>\n#include <atomic_queue.h>\n", None),
    ("lib/supervise/ok.cpp", '#include "routing/probe.h"\n#include "output/writer.h"\n', None),
    ("lib/decide/ok.h", '#pragma once\n#include "spawn/exit_status.h"\n#include "decide/app.h"\n', None),
    ("lib/inspect/ok.h", '#pragma once\n#include "decide/ownership.h"\n', None),
    ("lib/proxy/downstream_end.cpp", '#include "proxy/core.h"\n', None),
    ("lib/proxy/ok.h", '#pragma once\n#include "routing/probe.h"\n', None),
    ("test/stress/ok.cpp", '#include <atomic>\nTEST_CASE("all, is well") {}\n', None),
    (".dotfile", "x\n", None),
]


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, content, _ in PLANTED:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        found = Lint(root).run()
        for name, _, expected in PLANTED:
            about = [line for line in found if line.startswith(name + ":")]
            if expected is None and about:
                failures.append(f"wrongly found: {about}")
            if expected is not None and (len(about) != 1 or expected not in about[0]):
                failures.append(f"{name}: expected one '{expected}', found {about}")
    for failure in failures:
        print(failure)
    print(f"{len(PLANTED)} planted files, {len(failures)} failures")
    return 1 if failures else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    root = Path(sys.argv[1]).resolve()
    if not (root / "lib").is_dir():
        print(f"{root} is not the repository")
        return 2
    found = Lint(root).run()
    for line in found:
        print(line)
    print(f"{len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
