"""State: what earlier runs have learned, in one SQLite file beside the dataset, or in a PostgreSQL database.

Workers only read it. It is written once a commit, after the commit, in one transaction that also notes the commit's id:
applying a commit twice changes nothing. All of it follows from the manifests, so a lost state is rebuilt from them
(`transforms.write.recover`).

Tables and columns are those of the records: a field added to a record needs a default, so that older deltas still load.
"""

from transforms.state.database import is_database
from transforms.state.records import Delta, Scalar, StateRecord, from_scalars, to_scalars
from transforms.state.store import Store

__all__ = ["Delta", "Scalar", "StateRecord", "Store", "from_scalars", "is_database", "to_scalars"]
