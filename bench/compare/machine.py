"""What the run happens on: versions, CPUs, limits, ports."""
import datetime
import os
import platform
import re
import resource
import socket
import subprocess

from .processes import Failure

PROXY_CPU = frozenset({0})
LOAD_CPU = frozenset({1})
BOTH_CPUS = frozenset({0, 1})
IDLE_CONNECTIONS = 10000
SPARE_FILES = 400

# Below the range of ephemeral ports, so that no outgoing connection of a load takes one, and below gracevisord's.
PORTS = range(11000, 19000)
next_port = PORTS.start


def free_port():
    global next_port  # pylint: disable=global-statement # one counter for the run, so that ports are not used again at once
    for _ in PORTS:
        port = next_port
        next_port = next_port + 1 if next_port + 1 < PORTS.stop else PORTS.start
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure(f"no free port from {PORTS.start} to {PORTS.stop - 1}")


def check_cpus():
    missing = BOTH_CPUS - os.sched_getaffinity(0)
    if missing:
        raise Failure(f"CPUs 0 and 1 are needed, the proxy on one and the load on the other; not allowed: {sorted(missing)}")


def stay_on(cpus):
    os.sched_setaffinity(0, cpus)


def raise_file_limit():
    """For 10,000 connections: gracevisord accepts half as many as it may have descriptors, since each may need one to an
    app, and HAProxy reckons the same. Returns how many are possible with a quarter of the places to spare: when more than
    four fifths are taken, gracevisord ranks those that are idle, for another 64 bytes each."""
    wanted = 3 * IDLE_CONNECTIONS + 4 * SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((max(soft, wanted), max(hard, wanted)), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            break
        except (ValueError, OSError):
            continue
    return min(IDLE_CONNECTIONS, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - SPARE_FILES) * 3 // 4)


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError as missing:
        raise Failure(f"{command[0]} is not installed: sh bench/run.sh installs it") from missing
    return (done.stdout + done.stderr).strip().splitlines()[0]


def version(*command):
    found = re.search(r"\d+\.\d+(\.\d+)?", first_line(*command))
    return found.group(0) if found else "unknown"


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def commit(root):
    done = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip()


def describe(root, daemon):
    """The head of the table."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": f"{os.cpu_count()} x {cpu_model()}",
        "memory": f"{memory_gib:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load average at the start": round(os.getloadavg()[0], 2),
        "gracevisord": f"{version(str(daemon), '--version')} ({commit(root)})",
        "nginx": version("nginx", "-v"),
        "haproxy": version("haproxy", "-v"),
        "wrk": version("wrk", "-v"),
    }
