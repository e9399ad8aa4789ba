"""Dedup against its peers: `python -m benchmarks.dedup FOLDER` prints one table, `--cost` the cost of a signature.

FOLDER holds docs.jsonl.gz, gold.jsonl, extractor_*, wire_*, urls.jsonl and their score.py. Peers (`pip install
newsbeam[bench]`) run at the settings their own projects use and are clustered by single link, as those projects do.
"""

import argparse
import gzip
import importlib.util
import json
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from datasketch import MinHash, MinHashLSH
from rensa import RMinHash, RMinHashLSH

from benchmarks.adapters import cluster, find_edges, shipped_settings, sign_documents
from transforms.dedup.cluster import components, place
from transforms.dedup.footer import feet
from transforms.dedup.signature import numbers, shingle
from transforms.urls import canonical_url

Docs = Sequence[Mapping[str, Any]]
Pairs = Iterable[tuple[int, int]]
Clusters = dict[str, str]

ROUNDS = 5  # of the cost measurement; the median counts


def ngrams(text: str, size: int) -> list[bytes]:
    """The word n-grams of a text, as every MinHash peer shingles it."""
    found = re.findall(r"\w+", text.lower())
    return [" ".join(found[i : i + size]).encode() for i in range(max(1, len(found) - size + 1))]


def newsbeam(docs: Docs) -> Clusters:
    return cluster(docs)


def single_link(docs: Docs, pairs: Pairs) -> Clusters:
    names = [str(number) for number in range(len(docs))]
    linked = components(names, ((str(a), str(b)) for a, b in pairs))
    label = {name: group[0] for group in linked for name in group}
    return {doc["id"]: label[name] for doc, name in zip(docs, names, strict=True)}


def minhash(text: str, size: int) -> MinHash:
    sketch = MinHash(num_perm=128, hashfunc=xxhash.xxh32_intdigest)
    sketch.update_batch(ngrams(text, size))
    return sketch


def datasketch_lsh(size: int, threshold: float) -> Callable[[Docs], Clusters]:
    def run(docs: Docs) -> Clusters:
        index, pairs = MinHashLSH(threshold=threshold, num_perm=128), list[tuple[int, int]]()
        for number, doc in enumerate(docs):
            sketch = minhash(doc["text"], size)
            pairs += [(number, other) for other in index.query(sketch)]
            index.insert(number, sketch)
        return single_link(docs, pairs)

    return run


def datatrove(docs: Docs) -> Clusters:
    """datatrove's defaults: word 5-grams, 14 bands of 8 rows; documents that share a band are one."""
    bands = defaultdict[tuple[int, bytes], list[int]](list)
    for number, doc in enumerate(docs):
        sketch = MinHash(num_perm=112, hashfunc=xxhash.xxh32_intdigest)
        sketch.update_batch(ngrams(doc["text"], 5))
        for band in range(14):
            bands[band, sketch.hashvalues[band * 8 : band * 8 + 8].tobytes()].append(number)
    return single_link(docs, ((group[0], other) for group in bands.values() for other in group[1:]))


def rensa_lsh(threshold: float) -> Callable[[Docs], Clusters]:
    def run(docs: Docs) -> Clusters:
        index, pairs = RMinHashLSH(threshold, 128, 16), list[tuple[int, int]]()
        for number, doc in enumerate(docs):
            sketch = rensa_sketch(doc["text"])
            pairs += [(number, other) for other in index.query(sketch)]
            index.insert(number, sketch)
        return single_link(docs, pairs)

    return run


def rensa_sketch(text: str) -> RMinHash:
    sketch = RMinHash(num_perm=128, seed=42)
    sketch.update([gram.decode() for gram in ngrams(text, 5)])
    return sketch


def simhash(docs: Docs) -> Clusters:
    """SimHash of word 3-grams in 64 bits, at most 3 bits apart (Manku, Jain and Das Sarma, 2007)."""
    codes = np.array([simhash_code(doc["text"]) for doc in docs], np.uint64)
    return single_link(docs, ((a, b) for a, b in combinations(range(len(docs)), 2) if close(codes[a], codes[b])))


def simhash_code(text: str) -> int:
    grams = np.array([xxhash.xxh64_intdigest(gram) for gram in ngrams(text, 3)], np.uint64)
    bits = (grams[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    return sum(1 << bit for bit in np.flatnonzero(bits.mean(axis=0) > 0.5).tolist())


def close(a: np.uint64, b: np.uint64) -> bool:
    return int(a ^ b).bit_count() <= 3


def url_only(docs: Docs) -> Clusters:
    return {doc["id"]: canonical_url(doc["url"]) for doc in docs}


METHODS: dict[str, Callable[[Docs], Clusters]] = {
    "newsbeam": newsbeam,
    "datasketch LSH 128, 5-grams, .5": datasketch_lsh(5, 0.5),
    "datasketch LSH 128, 3-grams, .3": datasketch_lsh(3, 0.3),
    "rensa 128, 5-grams, .5": rensa_lsh(0.5),
    "datatrove 14 x 8, 5-grams": datatrove,
    "SimHash 64, 3-grams, 3 bits": simhash,
    "canonical URL only": url_only,
}


def read(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.decode("utf-8").split("\n") if line]


def scorer(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("dedup_score", folder / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts_only(docs: Docs) -> Docs:
    """Documents whose addresses say nothing, as where one page was read by several extractors."""
    return [{**doc, "url": f"https://page-{number}.example/"} for number, doc in enumerate(docs)]


def predictions(clusters: Clusters) -> list[dict[str, str]]:
    return [{"id": name, "cluster": label} for name, label in clusters.items()]


def table(folder: Path) -> Iterator[str]:
    score = scorer(folder)
    docs, gold = read(folder / "docs.jsonl.gz"), read(folder / "gold.jsonl")
    extractor, extractor_gold = read(folder / "extractor_docs.jsonl.gz"), read(folder / "extractor_gold.jsonl")
    wire, wire_gold = read(folder / "wire_docs.jsonl.gz"), read(folder / "wire_pairs.jsonl")
    yield "| method | synthetic P / R / F1 (ARI) | extractor F1 (ARI) | wire P / R / F1 |\n|---|---|---|---|"
    for name, method in METHODS.items():
        s = score.score(gold, predictions(method(docs)))
        e = score.score(extractor_gold, predictions(method(texts_only(extractor))))
        w = score.score_pairs(wire_gold, predictions(method(wire)))
        yield (
            f"| {name} | {s['precision']:.4f} / {s['recall']:.4f} / {s['f1']:.4f} ({s['ari']:.4f}) "
            f"| {e['f1']:.4f} ({e['ari']:.4f}) | {w['precision']:.4f} / {w['recall']:.4f} / {w['f1']:.4f} |"
        )
    yield "\n" + details(score, docs, gold)
    same = [(canonical_url(x["a"]) == canonical_url(x["b"])) == x["same"] for x in read(folder / "urls.jsonl")]
    yield f"URL identity: {sum(same)} of {len(same)} pairs right"


def details(score: Any, docs: Docs, gold: list[dict[str, Any]]) -> str:
    """Our B-cubed F1 for each transformation, the canonical pick and the identity of addresses."""
    signatures = sign_documents(docs)
    places = {p.article_id: p for p in place(find_edges(signatures), shipped_settings().dedup.cluster_cut)}
    first = dict[str, Mapping[str, Any]]()  # of the documents of one article the one that stands for it
    for doc, signature in zip(docs, signatures, strict=True):
        first[signature.article_id] = min(first.get(signature.article_id, doc), doc, key=_standing)
    rows = []
    for doc, signature in zip(docs, signatures, strict=True):
        found = places.get(signature.article_id)
        canonical = (found and found.duplicate_of) or signature.article_id
        rows.append(
            {
                "id": doc["id"],
                "cluster": found.cluster_id if found else signature.article_id,
                "canonical": first[canonical]["id"],
                "story": canonical_url(doc["url"]),
            }
        )
    s = score.score(gold, rows)
    kinds = ", ".join(f"{name} {kind['bcubed_f1']:.3f}" for name, kind in s["transforms"].items())
    return f"canonical pick {s['canonical']:.3f}, same address F1 {s['same_url']['f1']:.4f}\nB-cubed F1: {kinds}"


def _standing(doc: Mapping[str, Any]) -> tuple[bool, str, str]:
    """By what a document comes first among those of one article: it lies at the article's own address, then by time.

    Our pick is an article, the gold one a document: fetched again through a tracking link, it is another document.
    """
    own = doc["url"].replace("://www.", "://", 1) == canonical_url(doc["url"])
    return not own, doc["published"] or doc["fetched"], doc["fetched"]


def cost(folder: Path) -> Iterator[str]:
    """CPU time of one signature, all methods in turn on the same texts, medians of `ROUNDS` rounds."""
    docs = read(folder / "docs.jsonl.gz")[::8]
    texts, settings = [doc["text"] for doc in docs], shipped_settings().dedup
    signed = dict(zip(texts, sign_documents(docs), strict=True))
    makers: dict[str, Callable[[str], Any]] = {
        "newsbeam (anchors, sketch, numbers, lines at the foot)": lambda text: (
            shingle(text, settings),
            numbers(text),
            list(feet(signed[text], text, settings)),
        ),
        "datasketch MinHash 128, 5-grams": lambda text: minhash(text, 5),
        "rensa R-MinHash 128, 5-grams": rensa_sketch,
    }
    spent = defaultdict[str, list[float]](list)
    for _ in range(ROUNDS + 1):  # the first one warms up
        for name, make in makers.items():
            start = time.process_time()
            for text in texts:
                make(text)
            spent[name].append((time.process_time() - start) / len(texts) * 1e6)
    least = statistics.median(spent["datasketch MinHash 128, 5-grams"][1:])
    for name, rounds in spent.items():
        median = statistics.median(rounds[1:])
        yield f"{name}: {median:.0f} us a document, {median / least:.2f} of datasketch"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cost", action="store_true")
    options = parser.parse_args()
    for line in cost(options.folder) if options.cost else table(options.folder):
        print(line, flush=True)


if __name__ == "__main__":
    main()
