"""What scrub does to texts that are clean, and to what trafilatura makes of pages.

    python -m benchmarks.scrub_clean FOLDER

FOLDER holds `truth.jsonl`, lines of {"id", "lang", "title", "html", "body"}, and the pages, gzipped, that `html` names.
Printed are the share of the tokens of the bodies that change; the same where characters that no reader sees are taken
out first, and where what a field tells (title, subtitle, dateline, source, captions, credits) counts as kept; the rules
that took the most; the bodies that change when scrubbed again; and for trafilatura's texts precision and recall of
tokens before and after, recall with what fields tell too.
"""

import argparse
import gzip
import json
import re
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import trafilatura

from benchmarks.adapters import CONFIG
from transforms.scrub import Scrubbed, load_rules, scrub
from transforms.scrub.characters import clean_characters

_TOKEN = re.compile(r"\w+")


def main() -> None:
    """Print the figures, of bodies first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows = [json.loads(line) for line in (folder / "truth.jsonl").open(encoding="utf-8")]
    _bodies([row for row in rows if row["body"].strip()])
    _extracted(folder, [row for row in rows if row["body"].strip()])


def _bodies(rows: list[dict[str, Any]]) -> None:
    rules = load_rules(CONFIG / "scrub")
    total = changed = seen = lost = again = 0
    taken = Counter[str]()
    for row in rows:
        clean = scrub(row["body"], row["lang"], rules)
        before, after = tokens(row["body"]), tokens(clean.text)
        visible = tokens(clean_characters(row["body"]))
        total += before.total()
        changed += _apart(before, after)
        seen += _apart(visible, after)
        lost += _apart(visible, after + _moved(clean))
        again += scrub(clean.text, row["lang"], rules).text != clean.text
        if before != after:
            taken.update({removal.rule: tokens(removal.text).total() for removal in clean.removals})
    print(f"{len(rows)} bodies, {total} tokens")
    for name, number in (("changed", changed), ("but for characters none sees", seen), ("nor told by fields", lost)):
        print(f"  {name:30} {number:5}  {number / total:.3%}")
    print(f"  changed when scrubbed again    {again:5}")
    print("  most by", ", ".join(f"{rule} {number}" for rule, number in taken.most_common(8)))


def _extracted(folder: Path, rows: list[dict[str, Any]]) -> None:
    rules = load_rules(CONFIG / "scrub")
    marks = []
    for row in rows:
        page = gzip.decompress((folder / row["html"]).read_bytes())
        text = trafilatura.extract(page, include_comments=False) or ""
        clean = scrub(text, row["lang"], rules, row["title"] or "")
        before, after, gold = tokens(text), tokens(clean.text), tokens(row["body"])
        marks.append((*_marks(before, gold), *_marks(after, gold), _marks(after + _moved(clean), gold)[1]))
    means = [100 * statistics.mean(column) for column in zip(*marks, strict=True)]
    print(f"trafilatura's texts, {len(rows)}: precision {means[0]:.2f} -> {means[2]:.2f}", end="")
    print(f", recall {means[1]:.2f} -> {means[3]:.2f}, with what fields tell {means[4]:.2f}")


def tokens(text: str) -> Counter[str]:
    """The tokens of a text and how often each stands in it."""
    return Counter(_TOKEN.findall(text))


def _apart(one: Counter[str], other: Counter[str]) -> int:
    return (one - other).total() + (other - one).total()


def _moved(clean: Scrubbed) -> Counter[str]:
    return tokens(
        " ".join((clean.title, clean.subtitle, clean.dateline, clean.source, *clean.captions, *clean.credits))
    )


def _marks(have: Counter[str], want: Counter[str]) -> tuple[float, float]:
    """Precision and recall of a text's tokens."""
    same = (have & want).total()
    return same / max(1, have.total()), same / want.total()


if __name__ == "__main__":
    main()
