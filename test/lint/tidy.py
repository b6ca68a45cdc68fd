#!/usr/bin/env python3
"""clang-tidy over lib/ and apps/, two files at a time; a file that was clean is looked at again only when it, a header of
ours that it includes, the checks or clang-tidy itself changed.

usage: test/lint/tidy.py BUILD-FOLDER      (with compile_commands.json)
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIDY = "clang-tidy-19"
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


def check(build, source, stamp):
    done = subprocess.run([TIDY, "-p", build, "--quiet", str(source)], capture_output=True, text=True, cwd=ROOT)
    if done.returncode == 0:
        stamp.touch()
        return True
    print(f"{source.relative_to(ROOT)}:\n{done.stdout}{done.stderr}", flush=True)
    return False


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = sys.argv[1]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "gracevisor-tidy"
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes()

    sources = sorted(p for top in ("lib", "apps") for p in (ROOT / top).rglob("*.cpp"))
    todo = []
    for source in sources:
        stamp = cache / fingerprint(source, common)
        if not stamp.exists():
            todo.append((source, stamp))
    print(f"clang-tidy: {len(sources)} files, {len(todo)} of them changed since they were clean", flush=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        clean = list(pool.map(lambda job: check(build, *job), todo))
    if not all(clean):
        sys.exit(f"clang-tidy: {clean.count(False)} files with findings")


main()
