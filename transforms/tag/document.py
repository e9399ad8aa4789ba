"""What the mentions say of the whole article: its entities, how much each matters, how much it is about conflict."""

import math
from collections.abc import Sequence
from typing import Final

from schemas.gazetteer import Gazetteer
from schemas.records import DocumentEntity, Entity

LEAD_CHARS: Final = 300  # of the text: a lead paragraph and a little
_COUNT_SHARE, _TITLE_SHARE, _LEAD_SHARE = 0.5, 0.3, 0.2  # of relevance; together 1
_CONFLICT: Final = {  # chance that an article with one such entity in its centre is about armed conflict
    "armed_group": 0.6, "coalition": 0.5, "weapon": 0.5, "state_force": 0.45, "weapon_class": 0.3, "platform": 0.3,
    "igo": 0.05, "humanitarian": 0.15, "person": 0.05, "state_org": 0.05, "political_org": 0.05, "place": 0.02,
    "state": 0.02,
}  # fmt: skip


def document_entities(mentions: Sequence[Entity], gazetteer: Gazetteer) -> list[DocumentEntity]:
    """Return the entities of an article, the most relevant first.

    Relevance is between 0 and 1: half from how often it is named against the entity named most, .3 for the title, .2
    for the lead.
    """
    found: dict[str, list[Entity]] = {}
    for mention in mentions:
        found.setdefault(mention.id, []).append(mention)
    most = max(map(len, found.values()), default=1)
    entities = [_document_entity(mine, most, gazetteer) for mine in found.values()]
    return sorted(entities, key=lambda entity: (-entity.relevance, -entity.count, entity.id))


def _document_entity(mentions: Sequence[Entity], most: int, gazetteer: Gazetteer) -> DocumentEntity:
    in_title = any(mention.field == "title" for mention in mentions)
    in_lead = any(mention.field == "text" and mention.start < LEAD_CHARS for mention in mentions)
    share = math.log1p(len(mentions)) / math.log1p(most)
    relevance = _COUNT_SHARE * share + _TITLE_SHARE * in_title + _LEAD_SHARE * in_lead
    first = mentions[0]
    return DocumentEntity(
        first.id,
        gazetteer.entities[first.id].type,
        len(mentions),
        in_title,
        in_lead,
        round(relevance, 4),
        gazetteer.above(first.id),
    )


def conflict_score(entities: Sequence[DocumentEntity], gazetteer: Gazetteer) -> float:
    """Return how likely the article is about armed conflict, 0 to 1; a mark to filter by, nothing is dropped for it.

    Entities are taken as independent evidence, weighed by type and relevance. People count as their organisation does.
    """
    innocent = 1.0
    for entity in entities:
        org = gazetteer.entities[entity.id].org
        weight = max(_CONFLICT[entity.type], _CONFLICT[gazetteer.entities[org].type] / 2 if org else 0.0)
        innocent *= 1 - weight * entity.relevance
    return round(1 - innocent, 4)
