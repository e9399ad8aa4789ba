"""Run `newsbeam stream` on a Flink cluster over a test web, and kill parts of the cluster.

    python -m benchmarks.stream_flink MANIFEST OUT [--minutes 10] [--window 10s] [--next URL --every 180]

As `benchmarks.stream_soak`, on a cluster of its own (`make flink`) with a checkpoint every 10 s. On the way the
TaskManager is killed twice, a Python worker once, and the job is stopped with a savepoint and goes on from it. What OUT
holds in the end, and what the web's log says of gaps, is judged elsewhere; the exit code here is 1 where the stream
failed, did not come back, or a reading failed.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.flink_cluster import FlinkCluster, missing
from benchmarks.stream_soak import Reader, Stream, arguments, latencies, publish, tell

CHECKPOINTS = "--checkpointing_interval=10000"
BACK_S = 600.0  # a busy machine takes minutes to hand the job over and to load its classes


def kill_taskmanager(cluster: FlinkCluster, _: Stream) -> None:
    """Kill -9, and a new one a little later, as a supervisor would."""
    cluster.kill("taskmanager")
    time.sleep(5)
    cluster.start("taskmanager")


def kill_worker(cluster: FlinkCluster, _: Stream) -> None:
    """Kill -9 a Python worker."""
    os.kill(cluster.workers()[-1], signal.SIGKILL)


def savepoint(cluster: FlinkCluster, stream: Stream) -> None:
    """Stop with a savepoint; newsbeam ends by itself, and is started again from it."""
    place = cluster.stop_with_savepoint()
    assert stream.process.wait(120) == 0, stream.log.read_text()[-2000:]
    stream.start([*cluster.options, CHECKPOINTS, f"--savepoint_path={place}"])


BLOWS: list[tuple[float, Callable[[FlinkCluster, Stream], None]]] = [  # at which part of the time
    (0.2, kill_taskmanager), (0.4, kill_worker), (0.55, savepoint), (0.75, kill_taskmanager),
]  # fmt: skip


def main() -> int:
    """Return 0 where every claim holds."""
    parser = arguments(__doc__, minutes=10.0)
    args = parser.parse_args()
    if lacking := missing():
        parser.error(lacking)
    reader, published, blows = Reader(args.out), list[float](), list(BLOWS)
    with FlinkCluster(Path(f"{args.out}.flink")) as cluster:
        stream = Stream(args.manifest, args.out, args.window, [*cluster.options, CHECKPOINTS])
        cluster.until(stream.commits, "the first commit", BACK_S)
        print("the first commit is in place", flush=True)
        reader.start()
        started = time.time()
        while (age := time.time() - started) < args.minutes * 60 or blows:  # each blow is waited out, however long
            if stream.process.poll() is not None:
                print(stream.log.read_text()[-3000:])
                return 1
            publish(args, age, published)
            if blows and age > blows[0][0] * args.minutes * 60:
                _, blow = blows.pop(0)
                commits, begun = len(stream.commits()), time.time()
                blow(cluster, stream)
                cluster.until(lambda known=commits: len(stream.commits()) > known + 1, "the next commit", BACK_S)
                print(f"{age:4.0f} s: {blow.__name__}, two commits later after {time.time() - begun:.0f} s", flush=True)
            time.sleep(0.5)
        print(f"checkpoints since the savepoint: {cluster.checkpoints()}")
        code, drained_s = stream.stop()
    reader.done.set()
    reader.join()
    waits = latencies(args.manifest, reader.first_seen, published)
    print(f"{len(stream.commits())} commits")
    tell(reader, waits, drained_s, code)
    return 1 if code or reader.errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
