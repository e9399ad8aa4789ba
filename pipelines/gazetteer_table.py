"""The compiled gazetteer as a table: every folded spelling, and the names it stands for.

It is for people and for queries ("which spellings of this group are looked for in version X?"). Workers do not load it:
they compile the rows, which takes a second for 20 000 aliases.
"""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.gazetteer import Gazetteer
from transforms.tag.compile import spellings
from transforms.tag.names import BLOCKER

SPELLINGS: Final = pa.schema(
    [
        pa.field("spelling", pa.string(), nullable=False, metadata={"comment": "folded, as the matcher reads a text"}),
        pa.field("id", pa.string(), metadata={"comment": "gazetteer slug; null for a blocker"}),
        pa.field("type", pa.string(), metadata={"comment": "kind of entity; nationality for a demonym"}),
        pa.field("alias", pa.string(), nullable=False, metadata={"comment": "the row of aliases.csv it comes from"}),
        pa.field("languages", pa.list_(pa.string()), nullable=False, metadata={"comment": "empty where several"}),
        pa.field("flags", pa.list_(pa.string()), nullable=False, metadata={"comment": "as in aliases.csv"}),
        pa.field("method", pa.string(), nullable=False, metadata={"comment": "as in the column entities.method"}),
    ]
)


def write_table(gazetteer: Gazetteer, path: Path) -> int:
    """Write the table, with the gazetteer's version in the file's metadata; return the number of rows."""
    rows = [
        {
            "spelling": spelling,
            "id": None if name.id == BLOCKER else name.id,
            "type": name.type or None,
            "alias": name.alias,
            "languages": list(name.langs),
            "flags": sorted(name.flags),
            "method": name.method,
        }
        for spelling, names in spellings(gazetteer).items()
        for name in names
    ]
    table = pa.Table.from_pylist(rows, SPELLINGS).replace_schema_metadata({"gazetteer_version": gazetteer.version})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.sort_by("spelling"), path, compression="zstd")
    return len(rows)
