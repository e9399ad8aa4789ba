"""Tagging beside spaCy's blank tokenizer with PhraseMatcher, over the same aliases and texts, and with 100 000 more names.

    python -m benchmarks.tag_speed TEXTS.jsonl [--kilobytes 300]

TEXTS is JSON Lines of {"text", "lang"}. The three are measured in turns, five times, in one process; the figures are
medians, and what counts are their ratios. The 100 000 names are made up, two words each, and form an imported tier.
spaCy is in the extra `bench`.
"""

import argparse
import itertools
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Optional

from schemas.gazetteer import ALIAS_FIELDS, ENTITY_FIELDS, Gazetteer
from schemas.gazetteer_files import load_gazetteer
from schemas.settings import TagSettings
from transforms.tag import Compiled, compile_gazetteer, tag

CURATED: Final = Path(__file__).resolve().parents[1] / "config" / "gazetteer" / "curated"
SETTINGS: Final = TagSettings(surname_min_chars=4)
EXTRA: Final = 100_000
ROUNDS: Final = 5
_SYLLABLES: Final = "ba ra ka lim shu zor mar dul qen tif sar yun hab wad jor nis gul feh tam lur".split()


def main() -> None:
    """Print time, ratio, memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--kilobytes", type=int, default=300)
    arguments = parser.parse_args()
    texts = _texts(arguments.texts, arguments.kilobytes * 1024)
    size = sum(len(text.encode()) for text, _ in texts) / 1024

    before = _resident()
    gazetteer = load_gazetteer(CURATED)
    compiled = compile_gazetteer(gazetteer)
    print(f"{len(gazetteer.aliases)} aliases, {len(compiled.names)} spellings: {_resident() - before:.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        _import_made_up(Path(folder))
        started = time.process_time()
        large = compile_gazetteer(load_gazetteer(CURATED, [Path(folder)]))
        print(f"with {EXTRA} names more: loaded and compiled in {time.process_time() - started:.2f} s")
    contenders: dict[str, Callable[[], object]] = {
        "newsbeam": lambda: _tag_all(texts, compiled),
        f"newsbeam, {EXTRA} names more": lambda: _tag_all(texts, large),
        "spaCy blank + PhraseMatcher": _phrase_matcher(gazetteer, texts),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _, (name, run) in itertools.product(range(ROUNDS), contenders.items()):
        started = time.process_time()  # not the clock on the wall: the machine is shared
        run()
        times[name].append(time.process_time() - started)
    base = statistics.median(times["newsbeam"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:32} {median / size * 1e6:8.0f} us/kB   {median / base:6.2f} x newsbeam's time")


def _texts(path: Path, enough: int) -> list[tuple[str, Optional[str]]]:
    found = [json.loads(line) for line in path.open(encoding="utf-8")]
    texts: list[tuple[str, Optional[str]]] = []
    for document in itertools.cycle(found):
        if enough <= 0:
            return texts
        texts.append((document["text"], document.get("lang")))
        enough -= len(document["text"].encode())
    return texts


def _tag_all(texts: list[tuple[str, Optional[str]]], compiled: Compiled) -> int:
    return sum(len(tag([("text", text)], language, compiled, SETTINGS)) for text, language in texts)


def _phrase_matcher(gazetteer: Gazetteer, texts: list[tuple[str, Optional[str]]]) -> Callable[[], object]:
    import spacy
    from spacy.matcher import PhraseMatcher

    language = spacy.blank("xx")
    matcher = PhraseMatcher(language.vocab, attr="LOWER")
    for alias in gazetteer.aliases:
        matcher.add(alias.id, [language.make_doc(alias.alias)])
    return lambda: sum(len(matcher(language.make_doc(text))) for text, _ in texts)


def _import_made_up(folder: Path) -> None:
    random.seed(1)
    words = ["".join(random.choices(_SYLLABLES, k=3)).title() for _ in range(4_000)]
    names = sorted({f"{random.choice(words)} {random.choice(words)}" for _ in range(EXTRA * 2)})[:EXTRA]
    entity = ",".join(["made-up", "person", "Made Up", *[""] * (len(ENTITY_FIELDS) - 3)])
    (folder / "entities.csv").write_text(f"{','.join(ENTITY_FIELDS)}\n{entity}\n", "utf-8")
    rows = "\n".join(f"made-up,{name},,name,no_variants,made up,,," for name in names)
    (folder / "aliases.csv").write_text(f"{','.join(ALIAS_FIELDS)}\n{rows}\n", "utf-8")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
