"""What many edges cost in memory: `python -m benchmarks.dedup_memory [EDGES] [STORY]` clusters made-up ones.

Runs the step from edges to clusters over EDGES edges (100,000) among stories of STORY articles (20), each linked to all
others of its story, and over none, in a process each; prints peak memory and CPU time.
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Iterator
from itertools import combinations

import apache_beam as beam
from apache_beam.utils.timestamp import Timestamp

from benchmarks.adapters import shipped_settings
from transforms.dedup.components import ClusterEdges
from transforms.dedup.decide import Edge, Head, Verdict
from transforms.state import Store

NOW = Timestamp(1_760_000_000)


def head(number: int) -> Head:
    name = f"{number:032x}"
    return Head(name, 1, f"outlet-{number % 300}", name, 400, NOW, NOW, "", stored=False)


def story(number: int, size: int) -> Iterator[Edge]:
    for a, b in combinations(range(number * size, (number + 1) * size), 2):
        yield Edge(head(a), head(b), Verdict(0.9, 0.8, same=True, weight=0.9))


def measure(edges: int, size: int) -> None:
    stories = edges // (size * (size - 1) // 2)
    started = time.process_time()
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        made = pipeline | beam.Create(range(stories)) | beam.FlatMap(story, size).with_output_types(Edge)
        made | ClusterEdges(Store("/nonexistent"), shipped_settings().dedup)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"edges": edges, "peak_mb": round(peak), "cpu_s": round(time.process_time() - started, 1)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edges", type=int, nargs="?", default=100_000)
    parser.add_argument("story", type=int, nargs="?", default=20)
    options = parser.parse_args()
    for edges in (0, options.edges):
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(edges, options.story))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
