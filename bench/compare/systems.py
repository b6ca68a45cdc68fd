"""The four systems under test: how each is configured, started, told apart from its application, and deployed with."""
import getpass
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import machine
from .loads import answers
from .processes import Failure, daemons, descendants, wait_until

TEMPLATES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Setup:
    """One system as one scenario wants it."""
    kind: str
    label: str
    workers: int = 1
    unix: bool = False         # the upstream is a Unix socket
    logs: bool = False         # an access log is written
    large: bool = False        # bodies of 1 MB, for which the peers are better off with other buffers, and splice()
    cpus: frozenset = field(default=machine.PROXY_CPU)
    app_cpus: frozenset = field(default=machine.LOAD_CPU)
    build: Path | None = None  # of gracevisord alone: that of another build


@dataclass
class Place:
    """Where a run keeps things."""
    build: Path      # build/release
    output: Path     # build/bench: logs, and what the systems were configured with
    folder: Path     # temporary; sockets have short paths there
    connections: int

    def bench(self, program):
        return self.build / "bench" / program

    def app(self, program):
        return self.build / "apps" / program / program


def cpu_list(cpus):
    return ",".join(str(cpu) for cpu in sorted(cpus))


class Backend:
    """The application, for those that do not start it themselves."""

    def __init__(self, place, processes, unix=False, threads=1, cpus=machine.LOAD_CPU):
        self.port = None if unix else machine.free_port()
        self.path = place.folder / f"app-{len(processes.all)}.sock" if unix else None
        self.address = f"unix:{self.path}" if unix else f"127.0.0.1:{self.port}"
        self.process = processes.start([place.bench("backend"), "--threads", threads, "--listen", self.address],
                                       cpus, place.output / "logs" / "backend.log")
        wait_until(f"the backend at {self.address}",
                   lambda: answers(self.port, "/health") if self.port else self.path.exists(), self.process)


class System:
    def __init__(self, setup, site):
        self.setup, self.place, self.processes = setup, site.place, site.processes
        self.label = setup.label
        self.port = machine.free_port()
        name = "-".join(setup.label.replace(",", "").split())
        self.folder = site.folder / name
        self.folder.mkdir()
        self.logs = site.place.output / "logs" / site.name / name
        self.logs.mkdir(parents=True, exist_ok=True)
        for old in self.logs.iterdir():
            old.unlink()
        self.process = None

    def launch(self, arguments, **options):
        self.process = self.processes.start(arguments, self.setup.cpus, self.logs / "output.log", **options)

    def wait_ready(self):
        wait_until(f"{self.label} at port {self.port}", lambda: answers(self.port, "/health"), self.process)

    def configure(self, template, **values):
        """Fills the template in; what is in force is kept beside the logs to be read."""
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        values = {"FOLDER": self.folder, "LOGS": self.logs, "PORT": self.port, "WORKERS": self.setup.workers, **values}
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        config = self.logs / template
        config.write_text(text, encoding="utf-8")
        return config

    def pids(self):
        return [self.process.pid, *descendants(self.process.pid)]

    def access_log(self):
        return self.logs / "access.log"


class Floor(System):
    def start(self, backend):
        self.launch([self.place.bench("floor"), "--listen", f"127.0.0.1:{self.port}", "--upstream", backend.address])
        self.wait_ready()


class Gracevisord(System):
    def start(self, _backend):
        setup = self.setup
        access = f'access = "{self.access_log()}"\naccess_format = "combined"  # what nginx writes\nmax_size = "1GiB"'
        config = self.configure(
            "gracevisor.toml", PIN=self.place.bench("pin"), BACKEND=self.place.bench("backend"),
            APP_CPUS=cpu_list(setup.app_cpus), APP_THREADS=len(setup.app_cpus),
            APP_LISTEN="unix:{socket}" if setup.unix else "127.0.0.1:{port}",
            ENDPOINT="socket" if setup.unix else "port", ACCESS=access if setup.logs else "")
        place = replace(self.place, build=setup.build) if setup.build else self.place
        self.launch([place.app("gracevisord"), "-c", config])
        self.wait_ready()

    def pids(self):
        return daemons(self.process.pid)

    def control_socket(self):
        return self.folder / "run" / "gracevisor.sock"

    def deploy(self):
        done = subprocess.run([self.place.app("gvctl"), "--socket", self.control_socket(), "deploy", "bench"],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"gvctl deploy ended with {done.returncode}: {done.stdout}{done.stderr}")


class Peer(System):
    """A proxy that knows nothing of the application: a deploy is a new backend, a new configuration, a reload."""
    backend = None

    def start(self, backend):
        self.backend = backend
        self.launch(self.command(self.write_config(backend)))
        self.wait_ready()

    def upstream(self, backend):
        return f"127.0.0.1:{backend.port}" if backend.port else f"unix:{backend.path}"

    def deploy(self):
        """Until the old workers have ended, which is when the old backend may."""
        old_backend, old_workers = self.backend, set(descendants(self.process.pid))
        self.backend = Backend(self.place, self.processes)
        self.reload(self.write_config(self.backend))

        def replaced():
            now = set(descendants(self.process.pid))
            return now - old_workers and not now & old_workers
        wait_until(f"the old workers of {self.label} to end", replaced, self.process)
        self.processes.stop(old_backend.process)


class Nginx(Peer):
    def write_config(self, backend):
        setup = self.setup
        two = setup.workers > 1
        log = f"access_log {self.access_log()} combined buffer=64k flush=1s;"
        return self.configure(
            "nginx.conf", USER=getpass.getuser(), FILES=self.place.connections * 9 // 8 + machine.SPARE_FILES,
            AFFINITY="worker_cpu_affinity 01 10;" if two else "", REUSEPORT="reuseport" if two else "",
            ACCESS=log if setup.logs else "access_log off;", UPSTREAM=self.upstream(backend),
            BUFFERS="proxy_buffers 8 16k;" if setup.large else "proxy_buffers 8 32k; proxy_buffer_size 32k;")

    def command(self, config):
        return ["nginx", "-p", self.folder, "-e", self.logs / "nginx.error.log", "-c", config]

    def reload(self, config):
        done = subprocess.run([*self.command(config), "-s", "reload"],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"nginx -s reload ended with {done.returncode}: {done.stderr}")


SPLICE = "option splice-request\n    option splice-response"


class Haproxy(Peer):
    def write_config(self, backend):
        setup = self.setup
        two = setup.workers > 1
        return self.configure(
            "haproxy.cfg", CONNECTIONS=self.place.connections + machine.SPARE_FILES // 2,
            CPU_MAP="cpu-map auto:1/1-2 0-1" if two else "", SHARDS="shards by-thread" if two else "",
            LOG="log stdout format raw local0\n    option httplog" if setup.logs else "",
            SIZES="tune.pipesize 1048576" if setup.large else "tune.bufsize 32768",
            SPLICE=SPLICE if setup.large else "", UPSTREAM=self.upstream(backend).replace("unix:", "unix@"))

    def command(self, config):
        # A master with a worker, as Debian's service runs it, and without which there is no reload.
        return ["haproxy", "-W", "-f", config]

    def launch(self, arguments, **options):
        if not self.setup.logs:
            return super().launch(arguments, **options)
        with open(self.access_log(), "wb") as log:
            return super().launch(arguments, stdout=log)

    def reload(self, _config):
        os.kill(self.process.pid, signal.SIGUSR2)


KINDS = {"floor": Floor, "gracevisord": Gracevisord, "nginx": Nginx, "haproxy": Haproxy}


class Site:
    """All systems of one scenario, started, with the backends that they need; ended with its processes."""

    def __init__(self, place, processes, name):
        self.place, self.processes, self.name = place, processes, name
        self.folder = Path(tempfile.mkdtemp(dir=place.folder))
        self.folder.chmod(0o755)
        self.backends = {}

    def backend(self, unix, cpus):
        key = (unix, len(cpus))
        if key not in self.backends:
            self.backends[key] = Backend(self.place, self.processes, unix, len(cpus), cpus)
        return self.backends[key]

    def start(self, setup):
        system = KINDS[setup.kind](setup, self)
        system.start(None if setup.kind == "gracevisord" else self.backend(setup.unix, setup.app_cpus))
        return system
