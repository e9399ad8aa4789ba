"""What a long history costs: `python -m benchmarks.dedup_history STORED [NEW]` measures dedup against made-up articles.

Fills a throw-away store with STORED signatures, then runs the stage over NEW articles (1,000), a tenth of them copies of
stored ones, against an empty store and against the full one, in a process each; prints seconds, memory and file size.
"""

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
from apache_beam.utils.timestamp import Timestamp

from benchmarks.adapters import shipped_settings
from schemas.records import Article, Origin, Signature
from transforms.dedup import Dedup
from transforms.dedup.signature import sign
from transforms.identity import article_id, content_hash
from transforms.state import Delta, Store

NOW = Timestamp(1_760_000_000)
CHUNK = 20_000  # signatures in one transaction
WORDS = 640  # of six letters each: the mean length of the benchmark's articles
COPIES = 10  # one new article in so many has a copy in the history


def article(number: int, outlet: str) -> Article:
    draw = np.random.default_rng(number)
    letters = draw.integers(97, 123, WORDS * 6, np.uint8).reshape(WORDS, 6)
    text = " ".join(bytes(word).decode() for word in letters)
    url = f"https://{outlet}.example/{number}"
    origin = Origin(outlet, "backfill", url, url, NOW, "en")
    return Article(
        origin, article_id(url), 1, url, url, f"Title {number}", "", "", [], "", [], "", "news", text, "", [], "", NOW,
        "feed", None, NOW, "en", 1.0, content_hash(text), None, "", None, None, "", 1.0, [], [], 200, None, None,
    )  # fmt: skip


def stored(count: int, real: int) -> Iterator[Signature]:
    """`real` signatures of articles that will be copied, among others with hashes drawn at random."""
    draw = np.random.default_rng(0)
    model = sign(article(0, "old"), shipped_settings().dedup)
    for number in range(count):
        if number % max(1, count // real) == 0 and number // max(1, count // real) < real:
            yield sign(article(number // max(1, count // real) * COPIES, "old"), shipped_settings().dedup)
            continue
        name = f"{number:032x}"
        yield model._replace(
            article_id=name,
            cluster_id=name,
            anchors=draw.integers(-(2**63), 2**63, len(model.anchors)).tolist(),
            sketch=np.sort(draw.integers(0, 2**29, len(model.sketch) // 4)).astype("<u4").tobytes(),
            fetched_at=NOW - int(draw.integers(0, 29 * 86_400)),
        )


def fill(store: Store, count: int, real: int) -> None:
    signatures, number = stored(count, real), 0
    while chunk := [signature for signature, _ in zip(signatures, range(CHUNK), strict=False)]:
        store.apply(f"chunk-{number}", Delta(signatures=chunk))
        number += 1


def measure(path: str, new: int) -> None:
    articles = [article(number, "new") for number in range(new)]
    start = time.perf_counter()
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        pipeline | beam.Create(articles) | Dedup(Store(path), shipped_settings().dedup)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = os.path.getsize(path) / 1e6 if os.path.exists(path) else 0.0
    print(json.dumps({"new": new, "seconds": round(seconds, 1), "peak_mb": round(peak), "file_mb": round(size)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stored", type=int)
    parser.add_argument("new", type=int, nargs="?", default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        full = str(Path(folder, "full.sqlite"))
        start = time.perf_counter()
        fill(Store(full), options.stored, options.new // COPIES)
        print(f"filled in {time.perf_counter() - start:.0f} s")
        for path in (str(Path(folder, "none.sqlite")), full):
            process = multiprocessing.get_context("spawn").Process(target=measure, args=(path, options.new))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
