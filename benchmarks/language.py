"""Detect the language of annotated texts, and tell how often that is right and what it costs beside langdetect.

    python -m benchmarks.language TRUTH.jsonl

Each line holds `body` and `lang`. Nothing is declared. CPU time, the two in turn on each text, best of three.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Final

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

from benchmarks.adapters import detect_language
from transforms.language import canonical_code

LENGTHS: Final = (60, 200, 1000)  # characters
ROUNDS: Final = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    rows = [json.loads(line) for line in parser.parse_args().truth.read_text("utf-8").splitlines()]
    texts = [(row["body"], code) for row in rows if (code := canonical_code(row.get("lang")))]
    print(f"{len(texts)} texts, {len({code for _, code in texts})} languages")
    factory = DetectorFactory()
    factory.set_seed(0)
    factory.load_profile(PROFILES_DIRECTORY)
    detect_language(texts[0][0])  # loads the models
    for length in LENGTHS:
        wrong, ours, theirs = Counter[str](), list[float](), list[float]()
        for text, code in texts:
            cost, other = [], []
            for _ in range(ROUNDS):
                begun = thread_time()
                found, _sure = detect_language(text[:length])
                cost.append(thread_time() - begun)
                begun = thread_time()
                detector = factory.create()
                detector.append(text[:length])
                detector.detect()
                other.append(thread_time() - begun)
            ours.append(min(cost))
            theirs.append(min(other))
            if found != code:
                wrong[f"{code} as {found}"] += 1
        right = 1 - wrong.total() / len(texts)
        print(
            f"{length:5} characters: {right:.3f} right, median {1e3 * median(ours):.2f} ms, langdetect alone "
            f"{1e3 * median(theirs):.2f} ms; wrong: {', '.join(sorted(wrong)) or 'none'}"
        )


if __name__ == "__main__":
    main()
