"""Dask: the worker processes of a cluster as workers of Beam's in-process engine.

Beam's own `DaskRunner` (2.77) translates a pipeline into Dask bags. It drops, without an error, what a DoFn gives out
in `finish_bundle`, and hands every tagged output to every reader; the fetch stage does both. So Dask is asked only for
what it is good at, processes on many machines: in each we run a worker of Beam's, and Beam's in-process engine gives
them their bundles, as it does with the processes of `--workers N`.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    DATA_BUFFER_TIME_LIMIT_MS,
    FNAPI_RUNNER_CAPABILITIES,
    STATE_CACHE_SIZE_MB,
    GrpcWorkerHandler,
    WorkerHandler,
)
from apache_beam.runners.worker import sdk_worker
from apache_beam.transforms.environments import Environment, python_sdk_capabilities

from schemas.errors import NewsbeamError

_URN: Final = "newsbeam:env:dask:v1"
_CONNECT_S: Final = 30.0
_next: Iterator[int] = itertools.count()


def connect(address: str) -> Any:
    """Return a client of the scheduler at `address`, such as `tcp://host:8786`.

    Raises:
        NewsbeamError: it does not answer, has no workers, or Dask is not installed.
    """
    try:
        from distributed import Client

        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except ImportError as error:
        raise NewsbeamError("Dask is not installed: pip install 'newsbeam[dask]'") from error
    except (OSError, ValueError) as error:
        raise NewsbeamError(f"no Dask scheduler answers at {address}: {error}") from error
    if not workers_of(client):
        client.close()
        raise NewsbeamError(f"the Dask scheduler at {address} has no workers")
    return client


def workers_of(client: Any) -> list[str]:
    """Return the addresses of a cluster's worker processes."""
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


def on_dask(address: str) -> FnApiRunner:
    """Return Beam's in-process engine, with the workers of the Dask scheduler at `address`."""
    return FnApiRunner(_DaskEnvironment(address, python_sdk_capabilities()))


@Environment.register_urn(_URN, bytes)
class _DaskEnvironment(Environment):
    """Where DoFns run: in the workers of a scheduler."""

    def __init__(self, address: str, capabilities: Iterable[str]) -> None:
        super().__init__(capabilities, (), None)
        self.address = address

    def to_runner_api_parameter(self, _: Any) -> tuple[str, bytes]:
        return _URN, self.address.encode()

    @staticmethod
    def from_runner_api_parameter(
        payload: bytes, capabilities: Iterable[str], _artifacts: Any, _hints: Mapping[str, bytes], _context: Any
    ) -> "_DaskEnvironment":
        return _DaskEnvironment(payload.decode(), capabilities)


@WorkerHandler.register_environment(_URN, bytes)
class _DaskWorkerHandler(GrpcWorkerHandler):
    """One worker of Beam's, as one long task of a Dask worker."""

    def __init__(self, address: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        self.client = connect(address.decode())
        super().__init__(state, provision_info, grpc_server)

    def start_worker(self) -> None:
        """Send it off. A Dask worker that dies ends the run."""
        workers = workers_of(self.client)
        self.task = self.client.submit(
            _work, self.control_address, self.worker_id, workers=workers[next(_next) % len(workers)], pure=False
        )
        self.task.add_done_callback(self._ended)

    def stop_worker(self) -> None:
        """Let go of the scheduler. The worker has been told by the engine, and ends by itself."""
        self.client.close()

    def host_from_worker(self) -> str:
        """The address of this machine on the way to the scheduler."""
        from distributed.utils import get_ip

        host = self.client.scheduler.address.rpartition("://")[2].rpartition(":")[0]
        return str(get_ip(host))

    def _ended(self, task: Any) -> None:
        if task.status != "finished":
            self.control_conn.abort(NewsbeamError(f"a Dask worker is gone ({task.status})"))


def _work(control_address: str, worker_id: str) -> None:
    """Be a worker of Beam's until the engine has no more to do."""
    sdk_worker.SdkHarness(
        control_address,
        state_cache_size=STATE_CACHE_SIZE_MB << 20,
        data_buffer_time_limit_ms=DATA_BUFFER_TIME_LIMIT_MS,
        worker_id=worker_id,
        runner_capabilities=FNAPI_RUNNER_CAPABILITIES,
    ).run()
