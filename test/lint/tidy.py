#!/usr/bin/env python3
"""clang-tidy over lib/ and apps/, two files at a time; a file that was clean is looked at again only when it, a header of
ours that it includes, the checks or clang-tidy itself changed.

usage: test/lint/tidy.py BUILD-FOLDER      (with compile_commands.json)
"""
import concurrent.futures
import functools
import hashlib
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIDY = "clang-tidy-19"
CHECKS = ROOT / ".clang-tidy"
GROUP = 30  # sources in one unit
ALONE = []  # as .clang-tidy has it
TOGETHER = [r"--header-filter=/(lib|apps|test)/.*\.(h|cpp)$", "--checks=-bugprone-suspicious-include"]
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def headers_of(source, seen):
    """Every header of ours that `source` includes, directly or not."""
    for name in INCLUDE.findall(source.read_text(errors="replace")):
        for folder in (source.parent, ROOT / "lib", ROOT / "apps", ROOT / "test"):
            header = folder / name
            if header.is_file():
                header = header.resolve()
                if header not in seen:
                    seen.add(header)
                    headers_of(header, seen)
                break
    return seen


def fingerprint(source, common):
    digest = hashlib.sha256(common)
    for file in [source, *sorted(headers_of(source, set()))]:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def clean(build, source, options):
    """Whether clang-tidy has nothing to say of the source, and what it said."""
    done = subprocess.run(
        [TIDY, "-p", build, "--quiet", f"--config-file={CHECKS}", *options, str(source)],
        capture_output=True, text=True, cwd=ROOT)
    return done.returncode == 0, done.stdout + done.stderr


def check(build, group):
    """The sources of the group that are not clean. Most of clang-tidy's time goes into the headers of the libraries,
    so that a group is looked at as one unit; when there is anything to say of it, or its files do not go together
    (they may give one name to two things), each half is a group of its own."""
    if len(group) == 1:
        source, stamp = group[0]
        passed, said = clean(build, source, ALONE)
        if not passed:
            print(f"{source.relative_to(ROOT)}:\n{said}", flush=True)
            return 1
    else:
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "unit.cpp"
            unit.write_text("".join(f'#include "{source}"\n' for source, _ in group))
            command = command_of(build, group[0][0])
            (pathlib.Path(folder) / "compile_commands.json").write_text(json.dumps([{
                "directory": command["directory"], "file": str(unit),
                "arguments": [str(unit) if word == command["file"] else word
                              for word in shlex.split(command["command"])]}]))
            passed, _ = clean(folder, unit, TOGETHER)
        if not passed:
            half = len(group) // 2
            return check(build, group[:half]) + check(build, group[half:])
    for _, stamp in group:
        stamp.touch()
    return 0


@functools.cache
def commands(build):
    return {command["file"]: command for command in json.loads(
        (ROOT / build / "compile_commands.json").read_text())}


def command_of(build, source):
    return commands(build)[str(source)]


def grouped(todo):
    """By folder, so that a group has one set of options."""
    for _, files in itertools.groupby(todo, key=lambda job: job[0].parent):
        files = list(files)
        for first in range(0, len(files), GROUP):
            yield files[first:first + GROUP]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = sys.argv[1]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "gracevisor-tidy"
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + CHECKS.read_bytes()

    sources = sorted(p for top in ("lib", "apps") for p in (ROOT / top).rglob("*.cpp"))
    todo = []
    for source in sources:
        stamp = cache / fingerprint(source, common)
        if not stamp.exists():
            todo.append((source, stamp))
    print(f"clang-tidy: {len(sources)} files, {len(todo)} of them changed since they were clean", flush=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        unclean = sum(pool.map(lambda group: check(build, group), grouped(todo)))
    if unclean:
        sys.exit(f"clang-tidy: {unclean} files with findings")


main()
