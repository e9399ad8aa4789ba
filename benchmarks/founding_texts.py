"""What scrub makes of the five founding texts, one JSON object a line, for `seeds/check_seeds.py`.

python -m benchmarks.founding_texts [FOLDER]     # the folder with the raw texts; ../shared/seeds/raw by default
"""

import json
import sys
from pathlib import Path

from benchmarks.adapters import scrub_text

RAW = Path(__file__).resolve().parents[2] / "shared" / "seeds" / "raw"


def main() -> None:
    """Print a prediction for each `*.txt` of the folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else RAW
    for path in sorted(folder.glob("*.txt")):
        print(json.dumps({"id": path.stem, **scrub_text(path.read_text("utf-8"), "en")}, ensure_ascii=False))


if __name__ == "__main__":
    main()
