"""The gazetteer: who and what can be named in an article, as rows of CSV that an analyst edits in a spreadsheet.

    entities.csv   id,type,label,wikidata,country,parent,sponsor,side,org,valid_from,valid_to,note
    aliases.csv    id,alias,lang,kind,flags,source,source_ref,added_by,added_on
    blockers.csv   phrase,lang,reason
    triggers.csv   type,phrase,lang,note

An id is a slug: stable for ever, never given to something else. `country`, `parent`, `sponsor` and `org` hold ids, so
the rows form a graph: Kataib Hezbollah -> Popular Mobilization Forces, sponsored by Iran. A blocker is a phrase in
which a name is not itself ("Jerusalem Post"); `{place}` in it stands for any place or state ("{place} Times").
A trigger is a word that tells of an event ("airstrikes"); type `none` is of phrases where it does not ("heart attack"),
`sport` of words that tell of a sports page ("midfielder").

There are two tiers. The curated files are people's work. A folder of imported ones holds entities and aliases that
`newsbeam gazetteer import` made from somebody's list: never stronger than a curated name, of two words at least.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

TYPES: Final = frozenset(
    "armed_group political_org state_force state_org igo coalition humanitarian person state place weapon platform "
    "weapon_class".split()
)
FLAGS: Final = frozenset(
    {
        "case",  # counts only when written exactly so: IS, SDF
        "ambiguous",  # has an everyday or another meaning: needs related entities in the article
        "expand",  # an abbreviation used by many: counts only where the entity is also named in full
        "checked",  # an everyday word, too; looked at: in the news the name is what is nearly always meant
        "no_variants",  # take it as written, without other transliterations
        "lang_only",  # only in articles in one of the alias's languages
    }
)
IMPORTED: Final = "imported"  # the second tier's mark: set by the loader, never written in a file
DEMONYM: Final = "demonym"  # an adjective or a people: Iraqi, Iraqis
NICKNAME: Final = "nickname"  # no name but a title or a byname, whose last word is no last name: the Supreme Leader
KINDS: Final = frozenset({*"name acronym native translit former".split(), DEMONYM, NICKNAME})
ENTITY_FIELDS: Final = "id type label wikidata country parent sponsor side org valid_from valid_to note".split()
ALIAS_FIELDS: Final = "id alias lang kind flags source source_ref added_by added_on".split()
BLOCKER_FIELDS: Final = "phrase lang reason".split()
TRIGGER_FIELDS: Final = "type phrase lang note".split()
EVENT_TYPES: Final = frozenset("attack airstrike clash ceasefire arrest sanction protest".split())
NO_EVENT: Final = "none"  # type of a phrase in which a trigger tells of nothing
SPORT: Final = "sport"  # type of a word of sports pages, where a city's name is a club's
LINKS: Final = ("country", "parent", "sponsor", "org")  # columns that name another entity
GUARDS: Final = frozenset({"case", "ambiguous", "expand", "lang_only"})  # one of them makes a short alias safe
PLACE: Final = "{place}"


class EntityRow(NamedTuple):
    """One actor, place or weapon. Columns that do not apply are ""."""

    id: str
    type: str  # one of TYPES
    label: str  # English, for people to read
    wikidata: str  # QID, "" where nobody has checked one
    country: str  # id of the state it belongs to or acts in
    parent: str  # id of the umbrella or of the next level of command
    sponsor: str  # id of the state that arms or pays it
    side: str
    org: str  # of a person: id of the organisation
    valid_from: str  # year, month or day, ISO 8601
    valid_to: str
    note: str


class AliasRow(NamedTuple):
    """One way to write an entity's name."""

    id: str
    alias: str  # NFC
    langs: tuple[str, ...]  # languages that write it so, empty where several do
    kind: str  # one of KINDS
    flags: frozenset[str]  # of FLAGS, and IMPORTED
    source: str
    source_ref: str
    added_by: str
    added_on: str


class BlockerRow(NamedTuple):
    """A phrase in which a name is not itself."""

    phrase: str
    langs: tuple[str, ...]
    reason: str


class TriggerRow(NamedTuple):
    """A word or phrase that tells of an event."""

    type: str  # one of EVENT_TYPES, NO_EVENT or SPORT
    phrase: str
    lang: str
    note: str


class Gazetteer(NamedTuple):
    """All rows, checked; `version` is a hash of their content, stored in every row of the dataset."""

    entities: Mapping[str, EntityRow]
    aliases: Sequence[AliasRow]  # the curated ones first
    blockers: Sequence[BlockerRow]
    version: str
    triggers: Sequence[TriggerRow] = ()

    def above(self, id: str) -> list[str]:
        """Return the ids over `id`: organisation, umbrella and sponsor, theirs in turn, nearest first."""
        found: list[str] = []
        queue = [id]
        for below in queue:
            row = self.entities[below]
            for over in (row.org, row.parent, row.sponsor):
                if over and over != id and over not in found:
                    found.append(over)
                    queue.append(over)
        return found
