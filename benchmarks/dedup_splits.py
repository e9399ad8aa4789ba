"""Whether clusters depend on how articles came: `python -m benchmarks.dedup_splits DOCS.jsonl.gz...`

Runs dedup over all documents in one run, in 3 and in 10 by their order, and in 10 after a shuffle, each series of runs
with a state of its own. Prints the adjusted Rand index of each series with what is clustered anew from all its stored
signatures at once, and with the one run, over the articles both know.
"""

import argparse
import gzip
import json
import pickle
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.utils.timestamp import Timestamp

from benchmarks.adapters import find_edges, shipped_settings, timestamp_of
from schemas.records import Article, Origin, Signature
from transforms.dedup import Dedup
from transforms.dedup.cluster import place
from transforms.identity import article_id, content_hash
from transforms.state import Delta, Store, to_scalars
from transforms.urls import canonical_url
from transforms.write.ends import version_of

NOW = Timestamp(1_760_000_000)


def read(path: Path) -> Iterator[Article]:
    """Yield the documents of a file as articles, all fetched now: in one lookback, whatever they say."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            doc = json.loads(line)
            url = canonical_url(doc["url"])
            published, text, outlet = timestamp_of(doc.get("published")), doc["text"], doc["outlet"] or "none"
            origin = Origin(outlet, "backfill", doc["id"], f"{url}#{doc['id']}", published, None)
            yield Article(
                origin, article_id(url), 1, url, url, doc["title"] or "", "", "", [], "", [], "", "news", text, "", [], "",
                published, "feed", None, NOW, "en", 1.0, content_hash(text), None, "", None, None, "", 1.0, [], [], 200,
                None, None,
            )  # fmt: skip


class KeepFn(beam.DoFn):
    """Write each record to a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def process(self, record: Any) -> None:
        Path(self.folder, uuid.uuid4().hex).write_bytes(pickle.dumps(record))


def series(parts: Sequence[Sequence[Article]], folder: Path) -> tuple[list[Signature], float]:
    """Run over each of `parts` after the other; return the signatures that are stored in the end, and the CPU seconds."""
    store, latest, started = Store(folder / "state.sqlite"), dict[tuple[str, int], Signature](), time.process_time()
    for number, part in enumerate(parts):
        places = [folder / f"{kind}-{number}" for kind in ("articles", "signatures")]
        with beam.Pipeline(runner="FnApiRunner") as pipeline:
            articles, _, signatures, _, _ = pipeline | beam.Create(part) | Dedup(store, shipped_settings().dedup)
            for kept_in, records in zip(places, (articles, signatures), strict=True):
                kept_in.mkdir()
                records | f"Keep{kept_in.name}" >> beam.ParDo(KeepFn(kept_in))
        kept, signed = ([pickle.loads(file.read_bytes()) for file in kept_in.iterdir()] for kept_in in places)
        store.apply(
            f"run-{number}", Delta(versions=[to_scalars(version_of(article)) for article in kept], signatures=signed)
        )
        latest |= {(s.article_id, s.version): s for s in signed}
    store.close()
    return list(latest.values()), time.process_time() - started


def adjusted_rand(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """Return the adjusted Rand index of two clusterings, over what both hold (Hubert and Arabie, 1985)."""
    names = one.keys() & other.keys()
    both = sum(comb(n, 2) for n in Counter((one[name], other[name]) for name in names).values())
    a, b = (sum(comb(n, 2) for n in Counter(each[name] for name in names).values()) for each in (one, other))
    expected = a * b / comb(len(names), 2)
    return (both - expected) / ((a + b) / 2 - expected)


def stored(signatures: Iterable[Signature]) -> dict[str, str]:
    return {s.article_id: s.cluster_id for s in sorted(signatures, key=lambda s: s.version)}


def anew(signatures: Sequence[Signature]) -> dict[str, str]:
    """Return the clusters of all signatures at once."""
    alone = {s.article_id: s.article_id for s in signatures}
    return alone | {
        p.article_id: p.cluster_id for p in place(find_edges(signatures), shipped_settings().dedup.cluster_cut)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path, nargs="+")
    for path in parser.parse_args().docs:
        articles = list(read(path))
        shuffled = random.Random(1).sample(articles, len(articles))
        whole: dict[str, str] = {}
        for name, order, runs in (
            ("", articles, 1),
            ("", articles, 3),
            ("", articles, 10),
            (" shuffled", shuffled, 10),
        ):
            size = -(-len(order) // runs)
            with tempfile.TemporaryDirectory() as folder:
                parts = [order[at : at + size] for at in range(0, len(order), size)]
                signatures, took = series(parts, Path(folder))
            found = stored(signatures)
            whole = whole or found
            print(
                f"{path.name}: {len(articles)} documents in {runs} runs{name}: {len(found)} articles,"
                f" {len(set(found.values()))} clusters; ARI with recomputation {adjusted_rand(found, anew(signatures)):.5f},"
                f" with one run {adjusted_rand(found, whole):.5f}; {took:.0f} s of CPU time",
                flush=True,
            )


if __name__ == "__main__":
    main()
