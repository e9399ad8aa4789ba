"""Prism: Beam's engine for streams on one machine, a single binary that we find, start and take down with us.

Nothing is downloaded behind the user's back: `make prism` builds the version that matches Beam. Its ports, and the one
on which it meets our workers, listen on all interfaces without authentication: `docs/stream.md` says how to fence them.
"""

import ctypes
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple, Optional

import apache_beam as beam
import grpc

from schemas.errors import ConfigError, NewsbeamError

_START_S: Final = 30.0
_LOOK_S: Final = 0.2
_LATE_S: Final = 1.0
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_libc: Final = ctypes.CDLL(None)


class Prism(NamedTuple):
    """A Prism that runs."""

    endpoint: str  # of its job service
    process: subprocess.Popen[bytes]
    log: Path

    def is_gone(self) -> bool:
        """Whether it has died, or does so within a second: its sockets close before the process is gone."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        return self.process.poll() is not None

    def require_alive(self) -> None:
        """Raise NewsbeamError where it has died."""
        if self.process.poll() is not None:
            raise NewsbeamError(f"Prism has died: {last_words(self)}; start the stream again, nothing is lost")


def find_prism(given: Optional[str]) -> Path:
    """Return the binary: the `given` one, else the one on the PATH, else the one that `make prism` built.

    Raises:
        ConfigError: there is none.
    """
    built = Path.home() / ".cache" / "newsbeam" / f"prism-{version('apache-beam')}" / "prism"
    for path in [given] if given else [shutil.which("prism"), str(built)]:
        if path and shutil.which(path):
            return Path(path)
    where = given or f"PATH and {built}"
    remedy = "Build it with `make prism` (needs Go), or say where it is: -- --prism_location=/path/to/prism"
    raise ConfigError("command line", None, "--runner", f"streams need Prism, and it is not there ({where})", remedy)


@contextmanager
def running(binary: Path, log: Path) -> Iterator[Prism]:
    """Run Prism for the length of the block. It dies with us, however we die.

    Raises:
        NewsbeamError: it does not start, or died while the block spoke with it.
    """
    port, web = _free_port(), _free_port()
    command = [str(binary), f"--job_port={port}", f"--web_port={web}", "--log_level=error", "--log_kind=text"]
    with log.open("wb") as out:
        # In a session of its own: Ctrl-C is for us, and what is under way needs Prism to the end.
        process = subprocess.Popen(  # noqa: S603
            command,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509
        )
    prism = Prism(f"localhost:{port}", process, log)
    with _quiet_after(prism):
        try:
            _wait_for(prism, port)
            yield prism
        except grpc.RpcError:
            if prism.is_gone():
                prism.require_alive()
            raise
        finally:
            process.kill()  # it keeps nothing that is worth a farewell
            process.wait()


@contextmanager
def _quiet_after(prism: Prism) -> Iterator[None]:
    """Let Beam's threads that speak with Prism print no stack at its end: one line tells of it."""
    told, others = threading.excepthook, set(threading.enumerate())

    def tell(failed: threading.ExceptHookArgs) -> None:
        if not (issubclass(failed.exc_type, grpc.RpcError) and prism.is_gone()):
            told(failed)

    threading.excepthook = tell
    try:
        yield
    finally:
        deadline = time.monotonic() + _LATE_S
        for thread in set(threading.enumerate()) - others:
            thread.join(max(deadline - time.monotonic(), 0.0))  # those that spoke with Prism find it gone, and end
        threading.excepthook = told


def submit(pipeline: beam.Pipeline, prism: Prism) -> Any:
    """Start `pipeline` and return its result.

    Beam by itself waits five minutes for a Prism that has died before it took the pipeline.

    Raises:
        NewsbeamError: Prism has died.
    """
    submitted = Future[Any]()

    def run() -> None:
        try:
            submitted.set_result(pipeline.run())
        except BaseException as error:
            submitted.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not submitted.done():
        prism.require_alive()
        wait([submitted], _LOOK_S)
    return submitted.result()


def _wait_for(prism: Prism, port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and prism.process.poll() is None:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise NewsbeamError(f"Prism does not start: {last_words(prism)}")


def last_words(prism: Prism) -> str:
    """Return the end of Prism's log, for a person."""
    return prism.log.read_text("utf-8", "replace")[-500:].strip() or "it says nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
