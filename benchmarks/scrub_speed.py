"""How many texts scrub cleans in a second of one core, and that its time grows with the length of a text.

    python -m benchmarks.scrub_speed TRUTH.jsonl TEXTS.jsonl [--megabytes 10]

TRUTH is JSON Lines of {"body", "lang"}, clean texts, of which English ones are cut at 4,000 characters; TEXTS of
{"text", "lang"}, dirty ones. Both are scrubbed in turns, five times; the figures are medians of CPU time.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Final, Optional

from benchmarks.adapters import scrub_text

CHARS: Final = 4_000
MOST: Final = 200  # clean texts
ROUNDS: Final = 5
Text = tuple[str, Optional[str]]


def main() -> None:
    """Print texts a second, clean and dirty, then the time of ever longer texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--megabytes", type=float, default=10, help="size of the longest text")
    arguments = parser.parse_args()
    truth = [row for row in _rows(arguments.truth) if row["lang"] == "en" and len(row["body"]) >= CHARS]
    clean: list[Text] = [(row["body"][:CHARS], "en") for row in truth[:MOST]]
    dirty: list[Text] = [(row["text"], row["lang"]) for row in _rows(arguments.texts)]
    seconds([*clean, *dirty])  # lists of words are loaded, patterns compiled
    times = [(seconds(clean), seconds(dirty)) for _ in range(ROUNDS)]
    for name, texts, spent in zip(("clean", "dirty"), (clean, dirty), zip(*times, strict=True), strict=True):
        print(f"{name}  {len(texts):4} texts  {len(texts) / statistics.median(spent):6.0f} texts/s")
    for kind, texts in (("clean", clean), ("dirty", [text for text in dirty if text[1] == "en"])):
        row = "\n".join(text for text, _ in texts)
        for share in (4, 2, 1):
            size = round(arguments.megabytes * 1e6 / share)
            once = seconds([((row + "\n") * (size // len(row) + 1), "en")], size)
            print(f"{kind}  one text of {size / 1e6:4.1f} MB  {once:5.1f} s  {once / size * 1e6:.2f} s/MB")


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def seconds(texts: list[Text], size: Optional[int] = None) -> float:
    """CPU time of scrubbing texts, each cut at `size` characters."""
    started = time.process_time()
    for text, language in texts:
        scrub_text(text[:size], language)
    return time.process_time() - started


if __name__ == "__main__":
    main()
