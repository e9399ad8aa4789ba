"""A Flink cluster of one JobManager and one TaskManager on this machine, to run streams on, and to kill parts of.

`make flink` has put what it needs below `HOME`; Java 17 is asked of the PATH.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Final, Optional, Self

HOME: Final = Path.home() / ".cache" / "newsbeam" / "flink-1.19"
JOB_SERVER: Final = HOME / "target" / "job-server-1.jar"
LIBRARIES: Final = HOME / "cluster" / "pyflink" / "lib"
START_S: Final = 60.0
_OPENS: Final = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("util", "lang", "net", "nio")]
_QUICK: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # what lives for minutes is not worth compiling well
_CONFIG: Final = """\
jobmanager: {{rpc: {{address: localhost, port: {rpc}}}, bind-host: localhost}}
taskmanager: {{bind-host: localhost, host: localhost, numberOfTaskSlots: {slots}}}
rest: {{address: localhost, bind-address: localhost, port: {rest}}}
execution.checkpointing: {{dir: "file://{folder}/checkpoints", savepoint-dir: "file://{folder}/savepoints"}}
state: {{checkpoints.dir: "file://{folder}/checkpoints", savepoints.dir: "file://{folder}/savepoints"}}
restart-strategy: {{type: fixed-delay, fixed-delay: {{attempts: 20, delay: 5 s}}}}
heartbeat: {{interval: 3000, timeout: 15000}}
taskmanager.network.sort-shuffle.min-buffers: 64
classloader.resolve-order: parent-first
"""
_LOG4J: Final = """\
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.name = out
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
"""
_MEMORY: Final = {
    "task.heap.size": "300m", "task.off-heap.size": "0b", "network.min": "192m", "network.max": "192m",
    "managed.size": "128m", "framework.heap.size": "128m", "framework.off-heap.size": "128m",
    "jvm-metaspace.size": "256m", "jvm-overhead.min": "192m", "jvm-overhead.max": "192m",
}  # fmt: skip


def missing() -> str:
    """Return what the cluster lacks here, in words; "" where it can be started."""
    lacking = [str(path) for path in (JOB_SERVER, LIBRARIES) if not path.exists()]
    lacking += [] if shutil.which("java") else ["java"]
    return f"not here: {', '.join(lacking)}; `make flink` builds it (needs Java 17 and Maven)" if lacking else ""


class FlinkCluster:
    """Runs for the length of a `with` block. Everything it writes lies in `folder`."""

    def __init__(self, folder: Path, slots: int = 2) -> None:
        self.folder = folder
        self.rest, self.pool_port, rpc = _free_ports(3)
        self.running = dict[str, subprocess.Popen[bytes]]()
        (folder / "conf").mkdir(parents=True)
        config = _CONFIG.format(rpc=rpc, slots=slots, rest=self.rest, folder=folder.absolute())
        (folder / "conf" / "config.yaml").write_text(config)
        (folder / "conf" / "log4j.properties").write_text(_LOG4J)

    def __enter__(self) -> Self:
        try:
            self.start("jobmanager")
            self.start("pool")
            self.start("taskmanager")
            self.until(lambda: self.ask("/taskmanagers")["taskmanagers"], "a TaskManager")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.running):
            self.kill(name)

    @property
    def options(self) -> list[str]:
        """Beam's options for a job on this cluster."""
        return [
            "--runner=FlinkRunner", f"--flink_master=localhost:{self.rest}", "--flink_version=1.19",
            f"--flink_job_server_jar={JOB_SERVER}", *(f"--job_server_jvm_properties={flag}" for flag in _QUICK),
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{self.pool_port}", "--environment_cache_millis=3000", "--parallelism=2",
        ]  # fmt: skip

    def start(self, name: str) -> None:
        """Start one of jobmanager, taskmanager, pool."""
        java = ["java", *_QUICK, *_OPENS, f"-Dlog4j.configurationFile=file:{self.folder}/conf/log4j.properties", "-cp"]
        classes = f"{LIBRARIES}/*:{JOB_SERVER}"
        configured = ["--configDir", str(self.folder / "conf")]
        runtime = "org.apache.flink.runtime"
        commands = {
            "jobmanager": [
                *java, classes, f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint", *configured,
            ],
            "taskmanager": [
                *java, classes, f"{runtime}.taskexecutor.TaskManagerRunner", *configured,
                "-D", "taskmanager.cpu.cores=2",
                *(part for key, size in _MEMORY.items() for part in ("-D", f"taskmanager.memory.{key}={size}")),
            ],
            "pool": [
                sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={self.pool_port}",
            ],
        }  # fmt: skip
        # The pool starts its workers as plain `python`.
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                commands[name], stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """Kill -9 one of them; with the pool go its workers."""
        process = self.running.pop(name)
        if name == "pool":
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()

    def workers(self) -> list[int]:
        """The processes of the Python workers."""
        asked = ["pgrep", "--parent", str(self.running["pool"].pid), "-f", "SdkHarness"]
        return [int(pid) for pid in subprocess.run(asked, capture_output=True, check=False).stdout.split()]

    def ask(self, path: str, body: Optional[dict[str, Any]] = None) -> Any:
        """Return the answer of Flink's REST interface."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://localhost:{self.rest}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def job(self) -> str:
        """The id of the job that runs, "" where none does."""
        jobs = self.ask("/jobs/overview")["jobs"]
        return next((job["jid"] for job in jobs if job["state"] == "RUNNING"), "")

    def checkpoints(self) -> dict[str, int]:
        """Counts of the running job's checkpoints: restored, completed, failed, …"""
        counts: dict[str, int] = self.ask(f"/jobs/{self.job()}/checkpoints")["counts"]
        return counts

    def stop_with_savepoint(self) -> str:
        """Stop the running job; return the savepoint's place."""
        job = self.job()
        request = self.ask(f"/jobs/{job}/stop", {"drain": False})["request-id"]
        done = self.until(lambda: self._savepoint(job, request), "a savepoint")
        return str(done["location"])

    def _savepoint(self, job: str, request: str) -> dict[str, Any]:
        answer = self.ask(f"/jobs/{job}/savepoints/{request}")
        return answer["operation"] if answer["status"]["id"] == "COMPLETED" else {}

    def until(self, reached: Any, what: str, seconds: float = START_S) -> Any:
        """Return what `reached` returns, as soon as that is something.

        Raises:
            TimeoutError: it did not come.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if found := reached():
                    return found
            except OSError:
                pass  # the JobManager is not there yet
            time.sleep(0.2)
        raise TimeoutError(f"{what} did not come in {seconds:g} s; see {self.folder}")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
