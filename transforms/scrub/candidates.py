"""Candidates: the templates that a line may match, found by words that it cannot lack."""

import re
from collections.abc import Iterable, Mapping, Set
from typing import NamedTuple

from transforms.scrub.lexicon import Lexicon
from transforms.scrub.rule_files import Kind
from transforms.scrub.templates import compile_template, literal_sets


class Template(NamedTuple):
    """A compiled template; a line it may match holds a word of each set in `needs`, besides one it is found by."""

    language: str
    rule: str
    kind: Kind
    order: int  # among those of its language
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]
    lexicon: Lexicon


class Templates:
    """The templates of all languages, each by the rarest words that a line cannot lack."""

    def __init__(self, common: Set[str]) -> None:
        self._common = common  # words that most lines hold, folded
        self._by_head: dict[str, list[Template]] = {}  # by what a line begins with
        self._by_need: dict[str, list[Template]] = {}  # by a word anywhere in it
        self._needed: set[str] = set()  # the keys of `_by_need`
        self._open: list[Template] = []  # those without such words, …
        self._opened: set[str] = set()  # … and their languages

    def add(self, language: str, rule: str, kind: Kind, order: int, text: str, lexicon: Lexicon) -> None:
        """Take in the template `text` of a rule."""
        sets = dict(enumerate(literal_sets(text)))
        needs = {at: words for at, words in sets.items() if words}
        key = min(needs, key=lambda at: (self._are_common(needs[at]), at > 0, len(needs[at])), default=None)
        rest = tuple(words for at, words in needs.items() if at != key)
        template = Template(language, rule, kind, order, compile_template(text), rest, lexicon)
        if key is None:
            self._open.append(template)
            self._opened.add(language)
            return
        table = self._by_need if key else self._by_head
        for word in needs[key]:
            table.setdefault(word, []).append(template)
        self._needed.update(needs[key] if key else ())

    def _are_common(self, words: Iterable[str]) -> bool:
        """Whether one of the words, or signs, stands in most lines."""
        return any(word in self._common or not word[0].isalnum() for word in words)

    def of(self, heads: Iterable[str], words: frozenset[str], ranks: Mapping[str, int]) -> list[Template]:
        """The templates that a line may match which begins with one of `heads` and holds `words`.

        `ranks` are the languages that are asked, by name: which comes first. Within one they are in file order.
        """
        lists = [self._by_head[head] for head in heads if head in self._by_head]
        if not self._needed.isdisjoint(words):
            lists += [self._by_need[word] for word in self._needed & words]
        if not lists and self._opened.isdisjoint(ranks):
            return []
        found = {
            (ranks[template.language], template.order): template
            for some in (*lists, self._open)
            for template in some
            if template.language in ranks and not any(map(words.isdisjoint, template.needs))
        }
        return [found[at] for at in sorted(found)]
