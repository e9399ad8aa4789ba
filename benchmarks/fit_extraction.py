"""Fit `transforms/extract/model.json` on annotated pages, and report figures for outlets that the fit has not seen.

    python -m benchmarks.fit_extraction DATA --cv PREDICTIONS.jsonl     then: score.py --pred PREDICTIONS.jsonl
    python -m benchmarks.fit_extraction DATA --write

DATA holds truth.jsonl, html/ and score.py. `--cv` predicts each outlet's pages (registered domain) by trees fitted without
them; `--write` fits on all pages and replaces the model. Needs scikit-learn: `pip install -e '.[bench]'`.
"""

import argparse
import gzip
import importlib
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from schemas.settings_files import load_settings
from transforms.extract.article import headings_of
from transforms.extract.body import advice, candidates, decide, or_from_scripts, second_opinion
from transforms.extract.charset import to_utf8
from transforms.extract.declared import Declared
from transforms.extract.features import Weighable
from transforms.extract.model import MODEL_FILE, Trees
from transforms.extract.segment import Block, segment
from transforms.extract.state import scripts_of
from transforms.extract.titles import pick_title
from transforms.extract.tree import parse
from transforms.urls import registered_domain

DEFAULTS: Final = Path(__file__).parents[1] / "config" / "defaults.toml"
WEIGHT: Final = {"aeb": 1.3, "fundus-eval": 2.0, "wcxb": 1.0, "fundus-tests": 0.4}  # gold above silver, small sets up
FOLDS: Final = 6
OPTIONAL: Final = 0.02  # weight of blocks that the annotators would accept either way
Array = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """What one page teaches."""

    truth: dict[str, Any]
    weighable: Weighable
    told: str  # trafilatura's choice
    scripts: Sequence[str]
    label: Array  # 1: of the article
    weight: Array

    def rows(self, kind: str) -> Array:
        rows: Array = self.weighable.rows
        return rows if kind == "alone" else np.concatenate([rows, advice(self.weighable.blocks, self.told)], axis=1)


def read(score: Any, data: Path, truth: dict[str, Any], max_depth: int) -> Sample:
    """Return what a page teaches, described as at run time."""
    root = parse(to_utf8(gzip.decompress((data / truth["html"]).read_bytes())))
    declared = Declared(root, truth["url"])
    segments, scripts = segment(root, max_depth), scripts_of(root)
    title = pick_title(declared, headings_of(segments), headings_of(segments, "h2"))
    weighable = candidates(segments, declared, title)
    label, weight = judge(score, truth, segments.blocks)
    at = [block.index for block in weighable.blocks]
    told = second_opinion(root, truth["url"], title) if at else ""
    return Sample(truth, weighable, told, scripts, label[at], weight[at])


def judge(score: Any, truth: dict[str, Any], blocks: Sequence[Block]) -> tuple[Array, Array]:
    """Return whether each block is of the article, and its weight: long ones by shingles, short ones by neighbours."""
    gold = score.tokens(truth["body"])
    joined = f" {' '.join(gold)} "
    words = [score.tokens(block.text) for block in blocks]
    known = set(score.shingles(gold))
    label = np.array([len(w) >= score.N and score.held(w, known) for w in words], dtype=float)
    _drop_copies(label, words, joined)
    for _ in range(2):  # a short line may lean on one that leans on another
        for at, own in enumerate(words):
            if 0 < len(own) < score.N and _continues(label, words, at, joined):
                label[at] = 1.0
    weight = np.array([(len(w) + 3) / max(50, len(gold)) for w in words]) * WEIGHT[truth["benchmark"]]
    paragraphs = truth["body"].split("\n\n")
    optional = [paragraphs[n] for n in truth.get("optional") or () if n < len(paragraphs)]
    free = {shingle for text in optional for shingle in score.shingles(score.tokens(text))}
    for at, own in enumerate(words):
        if free and score.held(own, free):
            weight[at] *= OPTIONAL
    return label, weight


def _drop_copies(label: Array, words: Sequence[list[str]], joined: str) -> None:
    """Of a text printed more often than the gold has it, believe the copies among kept neighbours."""
    places: dict[tuple[str, ...], list[int]] = {}
    for at, own in enumerate(words):
        if label[at]:
            places.setdefault(tuple(own), []).append(at)
    for own_words, found in places.items():
        spare = len(found) - max(1, joined.count(f" {' '.join(own_words)} "))
        by_company = sorted(found, key=lambda at: label[max(0, at - 4) : at + 5].sum())
        label[by_company[: max(spare, 0)]] = 0.0


def _continues(label: Array, words: Sequence[list[str]], at: int, joined: str) -> bool:
    """Whether the gold has these words right after or before the nearest kept block."""
    before = next((words[n] for n in range(at - 1, max(-1, at - 4), -1) if label[n] and words[n]), [])
    after = next((words[n] for n in range(at + 1, min(len(words), at + 4)) if label[n] and words[n]), [])
    return (bool(before) and f" {' '.join(before[-3:] + words[at])} " in joined) or (
        bool(after) and f" {' '.join(words[at] + after[:3])} " in joined
    )


def fit(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the model fitted on `samples`, as it is stored."""
    return {kind: _export(_fit(samples, kind)) for kind in ("alone", "advised")}


def _fit(samples: Sequence[Sample], kind: str) -> HistGradientBoostingClassifier:
    weight = np.concatenate([sample.weight for sample in samples])
    trees = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.08, max_leaf_nodes=12, min_samples_leaf=40, l2_regularization=5, max_depth=7,
        max_features=0.25, random_state=0,
    )  # fmt: skip
    rows = np.concatenate([sample.rows(kind) for sample in samples])
    return trees.fit(rows, np.concatenate([s.label for s in samples]), sample_weight=weight / weight.mean())


def _export(trees: HistGradientBoostingClassifier) -> dict[str, Any]:
    """The fitted trees as plain lists; a leaf leads to itself."""
    out: dict[str, Any] = {key: [] for key in ("feature", "threshold", "left", "right", "value", "roots")}
    depth = 0
    for (predictor,) in trees._predictors:
        base = len(out["value"])
        out["roots"].append(base)
        for at, node in enumerate(predictor.nodes):
            leaf = bool(node["is_leaf"])
            out["feature"].append(0 if leaf else int(node["feature_idx"]))
            out["threshold"].append(1e30 if leaf else round(float(node["num_threshold"]), 6))
            out["left"].append(base + (at if leaf else int(node["left"])))
            out["right"].append(base + (at if leaf else int(node["right"])))
            out["value"].append(round(float(node["value"]), 5) if leaf else 0.0)
            depth = max(depth, int(node["depth"]))
    return out | {"depth": depth, "bias": float(trees._baseline_prediction.ravel()[0])}


def predict_unseen(samples: Sequence[Sample], draw: int = 0) -> list[str]:
    """Return a body for each page, by trees that have seen no page of its outlet."""
    outlets = sorted({registered_domain(sample.truth["url"]) for sample in samples})
    random.Random(draw).shuffle(outlets)
    fold = [outlets.index(registered_domain(sample.truth["url"])) % FOLDS for sample in samples]
    bodies = [""] * len(samples)
    for number in range(FOLDS):
        fitted = fit([sample for sample, of in zip(samples, fold, strict=True) if of != number])
        model = {kind: Trees(trees) for kind, trees in fitted.items()}
        for at, sample in enumerate(samples):
            if fold[at] == number:
                body = decide(sample.weighable, model, lambda told=sample.told: told)  # type: ignore[misc]
                bodies[at] = or_from_scripts(body, sample.scripts).text
    return bodies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cv", type=Path, metavar="PREDICTIONS.jsonl")
    parser.add_argument("--draw", type=int, default=0, help="another way to deal outlets into folds")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    sys.path.insert(0, str(args.data))
    score = importlib.import_module("score")
    max_depth = load_settings(DEFAULTS).extract.max_depth
    samples = [read(score, args.data, truth, max_depth) for truth in score.read_jsonl(args.data / "truth.jsonl")]
    if args.cv:
        pairs = zip(samples, predict_unseen(samples, args.draw), strict=True)
        args.cv.write_text(
            "".join(json.dumps({"id": s.truth["id"], "body": body}) + "\n" for s, body in pairs), "utf-8"
        )
    if args.write:
        MODEL_FILE.write_text(json.dumps(fit(samples), separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
