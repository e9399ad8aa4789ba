"""`tag_text` without the names that were written on reading development documents: what the rest of the gazetteer finds.

    python ../shared/benchmarks/entities/score.py GOLD.jsonl --callable benchmarks.tag_unseen:tag_text

Such names have the `source_ref` below in `aliases.csv`; whatever else is known of their entities stays.
"""

import sys
from functools import lru_cache
from typing import Any, Final, Optional

from benchmarks.adapters import CONFIG, shipped_settings
from schemas.gazetteer_files import load_gazetteer
from transforms.tag import Compiled, compile_gazetteer, tag

SEEN: Final = "development documents"


@lru_cache(maxsize=1)
def _unseen() -> Compiled:
    gazetteer = load_gazetteer(CONFIG / "gazetteer" / "curated")
    kept = [alias for alias in gazetteer.aliases if alias.source_ref != SEEN]
    nameless = {alias.id for alias in gazetteer.aliases} - {alias.id for alias in kept}
    left_out = len(gazetteer.aliases) - len(kept)
    print(f"{left_out} names left out, the only ones of {len(nameless)} entities", file=sys.stderr)
    return compile_gazetteer(gazetteer._replace(aliases=kept))


def tag_text(text: str, lang: Optional[str] = None, doc_id: Optional[str] = None) -> list[dict[str, Any]]:
    """Return the mentions of entities in a text; `doc_id` is for scorers' own use."""
    mentions = tag([("text", text)], lang, _unseen(), shipped_settings().tag)
    return [
        {"start": mention.start, "end": mention.end, "type": mention.type, "id": mention.id} for mention in mentions
    ]
