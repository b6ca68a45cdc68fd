"""Processes of a run: started on chosen CPUs, ended together with what they started, and what they use."""
import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Why the run cannot go on, in words for its user."""


class Process:
    """A program in a session of its own, so that Ctrl-C reaches the driver alone, which then ends it in order. Should
    the driver be killed, the kernel ends it."""

    def __init__(self, arguments, cpus, log, stdout=None):
        libc = ctypes.CDLL(None)

        def set_up():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            os.sched_setaffinity(0, cpus)

        self.name = os.path.basename(arguments[0])
        self.log = log
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=stdout or output, stderr=output,
                                          start_new_session=True, preexec_fn=set_up)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def said(self):
        """The end of what it wrote, for errors."""
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            return "".join(lines.readlines()[-8:]).strip()

    def stop(self, grace=8.0):
        """SIGTERM up to three times, the second and third of which make gracevisord hurry, then SIGKILL to the group."""
        for wait in (grace, 2.0, 2.0):
            if not self.running():
                break
            self.popen.terminate()
            try:
                self.popen.wait(wait)
            except subprocess.TimeoutExpired:
                continue
        for pid in descendants(self.pid) if self.running() else []:
            signal_one(pid, signal.SIGKILL)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()


class Processes:
    """All that one scenario started; ended in reverse order."""

    def __init__(self):
        self.all = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.all:
            self.all.pop().stop()

    def start(self, arguments, cpus, log, **options):
        process = Process([str(argument) for argument in arguments], cpus, log, **options)
        self.all.append(process)
        return process

    def stop(self, process):
        if process in self.all:
            self.all.remove(process)
        process.stop()


def signal_one(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_until(what, condition, process=None, seconds=15.0):
    """Looks every 2 ms; gives up when the process that is waited for has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process is not None and not process.running():
            raise Failure(f"{process.name} ended with {process.popen.returncode}: {process.said()}")
        if time.monotonic() > deadline:
            said = f"; {process.name} said: {process.said()}" if process is not None else ""
            raise Failure(f"{what}: not within {seconds:g} s{said}")
        time.sleep(0.002)


def command(pid):
    """Its program's name; "" once it has ended."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as name:
            return name.read().strip()
    except OSError:
        return ""


def daemons(root):
    """Of gv-keeper, itself and what it runs as the daemon: the others below it are applications. Of any other process,
    itself."""
    found = [root]
    if command(root) != "gv-keeper":
        return found
    try:
        with open(f"/proc/{root}/task/{root}/children", encoding="ascii") as children:
            found += [int(pid) for pid in children.read().split() if command(pid) == "gracevisord"]
    except OSError:
        pass  # it has ended
    return found


def descendants(root):
    """Process ids below this one, itself not among them."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parents[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended meanwhile
    found, look = [], [root]
    while look:
        above = look.pop()
        below = [pid for pid, parent in parents.items() if parent == above]
        found += below
        look += below
    return found


def cpu_us(pids):
    """User and system time of all threads of these processes, in microseconds. From schedstat, which counts
    nanoseconds; stat counts ticks, of 10 ms for us, and is the way out where there is no schedstat."""
    total = 0.0
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                total += thread_us(f"/proc/{pid}/task/{thread}")
        except FileNotFoundError:
            continue  # ended
    return total


def thread_us(folder):
    try:
        with open(f"{folder}/schedstat", encoding="ascii") as schedstat:
            return int(schedstat.read().split()[0]) / 1000
    except FileNotFoundError:
        pass
    try:
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
    except FileNotFoundError:
        return 0.0  # ended
    return (int(user) + int(system)) * 1e6 / os.sysconf("SC_CLK_TCK")


def memory(pids):
    """(RSS, PSS) in bytes, summed over these processes. PSS counts pages that several of them share once."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            for line in rollup:
                name = line.split(":")[0]
                if name in sums:
                    sums[name] += int(line.split()[1]) * 1024
    return sums["Rss"], sums["Pss"]
