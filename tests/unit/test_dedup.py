"""Near-duplicates, piece by piece: signatures, decisions, clusters."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Signature
from schemas.settings_files import load_settings
from transforms.dedup.cluster import average_link, canonical, components, place
from transforms.dedup.decide import Edge, Head, Verdict, compare, head, like_titles, overlap, title_words, unpack
from transforms.dedup.signature import fold, numbers, shingle

SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").dedup
HOUR = 3600


def words(seed: int, count: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("abcdefghilmnoprstu", k=draw.randint(3, 9))) for _ in range(count)]


def signature(text: str, name: str = "a", outlet: str = "wadi", title: str = "", hour: int = 0) -> Signature:
    shingles = shingle(text, SETTINGS)
    return Signature(
        name, 1, outlet, name, title, shingles.anchors, shingles.sketch, json.dumps(numbers(text)), shingles.length,
        None, Timestamp(hour * HOUR), "", shingles.lead,
    )  # fmt: skip


def judged(first: str, second: str, **other: Any) -> Optional[Verdict]:
    mine, theirs = signature(first, title="Some story"), signature(second, "b", **{"outlet": "dune", **other})
    return compare(unpack(mine), unpack(theirs), SETTINGS)


STORY = words(1, 300)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Café – THE end!", "cafetheend"),
        ("cafe\u0301", "cafe"),
        ("ﬁne ①", "fne1"),
        ("Straße", "strase"),
        ("Иран й", "ирани"),
        ("العراق", "العراق"),
        ("日本 2024", "日本2024"),
        ("🙂 \ud800", ""),
    ],
    ids=["Latin", "decomposed", "compatibility forms", "sharp s", "Cyrillic", "Arabic", "Han", "beyond the plane"],
)
def test_folding_leaves_letters_and_digits(written: str, plain: str) -> None:
    assert fold(written).tobytes().decode("utf-16-le") == plain


def test_layout_and_glued_words_change_no_signature() -> None:
    text = " ".join(STORY)
    assert shingle("\n\n".join(STORY).upper(), SETTINGS) == shingle(text, SETTINGS)
    assert shingle("".join(STORY), SETTINGS) == shingle(text, SETTINGS)


def test_a_window_hash_depends_on_its_letters_alone() -> None:
    early, late = shingle(" ".join(STORY), SETTINGS), shingle("0" * 5_000 + " ".join(STORY), SETTINGS)
    assert set(np.frombuffer(early.sketch, "<u4").tolist()) <= set(np.frombuffer(late.sketch, "<u4").tolist())


@pytest.mark.parametrize(
    "text", ["", "!", "a", "short", "x" * 300_000], ids=["empty", "mark", "letter", "word", "long"]
)
def test_odd_texts_have_signatures_too(text: str) -> None:
    profile = unpack(signature(text))
    assert overlap(profile, profile) in [(0.0, 0.0), (1.0, 1.0)]


def test_numbers_and_weekdays_are_known_by_the_letters_before_them() -> None:
    report = "The army shot down 1,200 drones. The northern governor said on Tuesday that 3 people were hurt."
    assert numbers(report) == {"hearmyshotdown": "1,200", "governorsaidon": "tues", "dontuesdaythat": "3"}


@pytest.mark.parametrize("share", [0.9, 0.6, 0.4])
def test_containment_of_a_cut_copy_is_estimated_well(share: float) -> None:
    whole = unpack(signature(" ".join(STORY)))
    cut = unpack(signature(" ".join(STORY[: int(300 * share)]) + " " + " ".join(words(2, 20))))
    assert overlap(whole, cut)[0] == pytest.approx(1 - 20 / (300 * share + 20), abs=0.08)
    assert overlap(whole, cut) == overlap(cut, whole)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_a_verdict_does_not_depend_on_who_came_first(common: int, left: int, right: int) -> None:
    texts = [" ".join([*words(seed, own), *STORY[:common]]) for seed, own in ((2, left), (3, right))]
    a, b = (unpack(signature(text, name, name)) for text, name in zip(texts, "ab", strict=True))
    assert compare(a, b, SETTINGS) == compare(b, a, SETTINGS)


REPORT = " ".join(f"{' '.join(words(n, 30))} %d" for n in range(8))


def test_a_template_with_other_numbers_is_another_article() -> None:
    verdict = judged(REPORT % tuple(range(8)), REPORT % tuple(range(1, 9)))
    assert verdict is not None
    assert verdict.containment > 0.7
    assert not verdict.same
    assert verdict.weight == 0


def test_a_copy_in_another_order_is_no_template() -> None:
    """What stands before a number is of its paragraph, and words before several numbers say nothing."""
    steps = [f"{n}. {' '.join(words(n, 40))} and it cost them {n} pounds" for n in range(1, 9)]
    verdict = judged("\n\n".join(steps), "\n\n".join(reversed(steps)))
    assert verdict is not None
    assert verdict.same


def test_a_copy_with_one_number_mended_is_the_same_article() -> None:
    verdict = judged(REPORT % tuple(range(8)), REPORT % (99, *range(1, 8)))
    assert verdict is not None
    assert verdict.same


@pytest.mark.parametrize("seed", range(5))
def test_a_teaser_finds_the_long_text_that_it_opens(seed: int) -> None:
    text = words(seed, 4000)
    whole, teaser = shingle(" ".join(text), SETTINGS), shingle(" ".join(text[:40]) + " Read on", SETTINGS)
    assert set(whole.anchors) & set(teaser.anchors)


@pytest.mark.parametrize(
    ("title", "outlet", "same"),
    [
        ("Canal reopens after talks", "dune", True),
        ("Ships wait for the canal", "dune", False),
        ("Canal", "dune", False),
        ("Canal reopens after talks", "wadi", False),
    ],
    ids=["like titles", "others", "one word", "of one outlet"],
)
def test_like_titles_of_two_outlets_help_a_weak_pair(title: str, outlet: str, same: bool) -> None:
    mine = signature(" ".join(STORY), title="Canal reopens after long talks")
    theirs = signature(" ".join([*STORY[:105], *words(5, 195)]), "b", outlet, title)
    verdict = compare(unpack(mine), unpack(theirs), SETTINGS)
    assert verdict is not None
    assert 0.30 < verdict.containment < SETTINGS.min_containment
    assert verdict.same == same


@pytest.mark.parametrize(
    ("a", "b", "like"),
    [
        ("The fall of Kabul", "Kabul after the fall of its last gate", True),
        ("الهدنة في غزة تدخل حيز التنفيذ", "بدء الهدنة في غزة", True),
        ("The fall of Kabul", "The price of bread in Idlib", False),
        ("What we know about the truce in Gaza", "What we know about the fire in Basra", False),
        ("ما نعرفه عن الهدنة في غزة", "ما نعرفه عن الحريق في البصرة", False),
        ("Что известно о пожаре в Басре", "Что известно о перемирии в Газе", False),
        ("Was wir über den Brand in Basra wissen", "Was wir über die Waffenruhe in Gaza wissen", False),
        ("Morning brief, 29 November 2026", "Weather, 29 November 2026", False),
    ],
)
def test_titles_are_like_where_two_words_that_tell_something_are_common(a: str, b: str, like: bool) -> None:
    assert like_titles(title_words(a), title_words(b)) == like


FOOTER = " ".join(words(9, 150))
BRIEFS = [" ".join(words(seed, 40)) + " " + FOOTER for seed in (3, 4)]


@pytest.mark.parametrize(("outlet", "same"), [("wadi", False), ("dune", True)], ids=["own", "another's"])
def test_two_briefs_of_one_outlet_over_its_footer_stay_apart(outlet: str, same: bool) -> None:
    verdict = judged(*BRIEFS, outlet=outlet, title="Another headline")
    assert verdict is not None
    assert verdict.same == same


@pytest.mark.parametrize("titles", [("", ""), ("Some story", "")], ids=["both", "one"])
@pytest.mark.parametrize(("cut", "same"), [(0, False), (33, True)], ids=["briefs", "one text, begun twice"])
def test_untitled_texts_of_one_outlet_are_one_where_nearly_all_of_the_shorter_is_common(
    titles: tuple[str, str], cut: int, same: bool
) -> None:
    texts = ["\n\n".join([" ".join(words(seed, 40 - cut)), FOOTER]) for seed in (3, 4)]
    a, b = (unpack(signature(text, text, title=title)) for text, title in zip(texts, titles, strict=True))
    verdict = compare(a, b, SETTINGS)
    assert verdict is not None
    assert verdict.same == same


def test_an_outlets_own_update_is_known_by_its_first_sentences() -> None:
    update = " ".join([*STORY[:120], *words(5, 150)])
    verdict = judged(" ".join(STORY[:200]), update, outlet="wadi", title="Another headline")
    assert verdict is not None
    assert verdict.same


@pytest.mark.parametrize(("hours", "same"), [(47, True), (49, False)])
def test_half_a_text_is_a_copy_soon_and_a_series_later(hours: int, same: bool) -> None:
    verdict = judged(" ".join(STORY), " ".join([*STORY[:150], *words(5, 150)]), hour=hours)
    assert verdict is not None
    assert verdict.same == same


def test_texts_without_a_window_in_common_have_no_verdict() -> None:
    assert judged(" ".join(words(1, 80)), " ".join(words(2, 80))) is None


def test_background_has_no_weight_in_a_cluster() -> None:
    verdict = judged(" ".join(STORY), " ".join([*STORY[:60], *words(5, 240)]))
    assert verdict is not None
    assert 0 < verdict.containment < 0.3
    assert verdict.weight == 0


def test_average_link_does_not_chain() -> None:
    chain = {("a", "b"): 0.9, ("b", "c"): 0.5, ("c", "d"): 0.9}
    assert sorted(map(sorted, average_link(dict.fromkeys("abcd", 9), chain, 0.4))) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(("length", "apart"), [(1000, True), (100, False)], ids=["half of it", "a teaser"])
def test_a_short_text_says_less_about_who_belongs_together(length: int, apart: bool) -> None:
    """The first part of a text has nothing of its last part, and a copy edited much has half of either."""
    weights = {("copy", "whole"): 0.55, ("part", "whole"): 1.0}
    found = average_link({"copy": 1000, "part": length, "whole": 1000}, weights, 0.4)
    assert (len(found) > 1) == apart


@given(
    st.dictionaries(st.tuples(*[st.sampled_from("abcdefgh")] * 2).filter(lambda p: p[0] < p[1]), st.floats(0.01, 1)),
    st.lists(st.integers(1, 5000), min_size=8, max_size=8),
)
def test_average_link_agrees_with_its_definition(weights: dict[tuple[str, str], float], lengths: Sequence[int]) -> None:
    """What comes out cannot be joined further; each group was worth joining."""
    found = average_link(dict(zip("abcdefgh", lengths, strict=True)), weights, 0.4)
    size = {name: length**0.5 for name, length in zip("abcdefgh", lengths, strict=True)}
    assert sorted(name for group in found for name in group) == sorted("abcdefgh")

    def mean(a: Sequence[str], b: Sequence[str]) -> float:
        sizes = {(min(x, y), max(x, y)): min(size[x], size[y]) for x in a for y in b}
        return sum(weights.get(pair, 0.0) * n for pair, n in sizes.items()) / sum(sizes.values())

    assert all(mean(a, b) < 0.4 + 1e-9 for a in found for b in found if a is not b)
    assert {len(group) for group in found} <= {1} or max(weights.values()) >= 0.4


def test_components_are_those_of_the_graph() -> None:
    assert components("fedcba", [("a", "c"), ("c", "e"), ("b", "f")]) == [["a", "c", "e"], ["b", "f"], ["d"]]


def member(name: str, hour: int, length: int = 1000, hint: str = "", **other: Any) -> Head:
    plain = signature("", name, name, hour=hour)._replace(length=length, canonical_hint=hint)
    return head(plain, stored=False)._replace(**other)


@pytest.mark.parametrize(
    ("members", "first"),
    [
        ([member("a", 2), member("b", 1)], "b"),
        ([member("a", 2), member("b", 1, length=300), member("c", 3)], "a"),
        ([member("a", 2), member("b", 1, hint="Reuters")], "a"),
        ([member("b", 1), member("a", 1)], "a"),
        ([member("a", 2), member("b", 3, published_at=Timestamp(0))], "b"),
    ],
    ids=["the earliest", "no excerpt", "no copy by its own word", "by name at last", "published before fetched"],
)
def test_the_canonical_article_is_the_earliest_complete_one_that_names_no_source(
    members: list[Head], first: str
) -> None:
    assert canonical(members).article_id == first


def edge(a: Head, b: Head, weight: float) -> Edge:
    return Edge(a, b, Verdict(weight, weight, weight >= 0.4, weight))


@pytest.mark.parametrize(
    ("outlet", "length", "containment", "kind"),
    [
        ("a", 400, 0.95, "excerpt"),
        ("a", 400, 0.6, "update"),
        ("a", 900, 0.95, "update"),
        ("dune", 400, 0.6, "excerpt"),
        ("dune", 900, 0.95, "repost"),
    ],
)
def test_what_is_cut_from_a_text_of_its_outlet_is_an_excerpt_and_no_update(
    outlet: str, length: int, containment: float, kind: str
) -> None:
    first, second = member("a", 1), member("b", 2, length=length, outlet=outlet)
    places = place([Edge(first, second, Verdict(containment, 0.4, same=True, weight=containment))], 0.35)
    assert {p.article_id: p.kind for p in places} == {"a": None, "b": kind}


heads = st.builds(
    lambda n, hour, version, stored, cluster: member(
        "abcdefgh"[n], hour, version=version, stored=stored, cluster_id="abcdefgh"[cluster] if stored else "abcdefgh"[n]
    ),
    st.integers(0, 7), st.integers(0, 3), st.integers(1, 2), st.booleans(), st.integers(0, 7),
)  # fmt: skip
graphs = st.lists(heads, min_size=2, unique_by=lambda h: (h.article_id, h.version)).flatmap(
    lambda named: st.lists(
        st.builds(edge, *[st.sampled_from(sorted(named))] * 2, st.floats(0.3, 1)).filter(
            lambda e: e.a.article_id < e.b.article_id
        ),
        max_size=20,
    )
)


@given(graphs, st.randoms())
def test_the_order_of_edges_and_repeated_ones_change_nothing(edges: list[Edge], draw: random.Random) -> None:
    again = [*edges, *edges[:3]]
    draw.shuffle(again)
    assert sorted(map(repr, place(edges, 0.35))) == sorted(map(repr, place(again, 0.35)))


@given(graphs)
def test_every_article_has_one_place_and_clusters_have_one_canonical_article(edges: list[Edge]) -> None:
    places = list(place(edges, 0.35))
    assert len({p.article_id for p in places}) == len(places)
    assert {p.article_id for p in places} == {h.article_id for e in edges for h in (e.a, e.b)}
    for cluster in {p.cluster_id for p in places}:
        firsts = [p for p in places if p.cluster_id == cluster and p.duplicate_of is None]
        assert {p.duplicate_of for p in places if p.cluster_id == cluster} <= {None, *(p.article_id for p in firsts)}


def test_the_versions_of_an_article_count_as_one() -> None:
    old, new, copy = member("a", 1, stored=True, cluster_id="k"), member("a", 9, version=2), member("b", 5)
    places = {p.article_id: p for p in place([edge(old, new, 0.1), edge(old, copy, 0.9)], 0.35)}
    assert {p.cluster_id for p in places.values()} == {"k"}
    assert places["b"].duplicate_of == "a"


def test_of_a_stored_cluster_that_falls_apart_the_oldest_part_keeps_the_id() -> None:
    a, b, c, d = (member(n, h, stored=True, cluster_id="k") for h, n in enumerate("abcd"))
    places = {p.article_id: p.cluster_id for p in place([edge(a, b, 0.9), edge(b, c, 0.45), edge(c, d, 0.9)], 0.4)}
    assert places == {"a": "k", "b": "k", "c": "c", "d": "c"}


def test_the_parts_of_a_component_name_its_oldest_cluster() -> None:
    a, b, c, d = (member(n, h) for h, n in enumerate("abcd"))
    places = {p.article_id: p.component for p in place([edge(a, b, 0.9), edge(b, c, 0.45), edge(c, d, 0.9)], 0.4)}
    assert places == {"a": "", "b": "", "c": "a", "d": "a"}


def test_an_id_stays_with_the_article_it_names() -> None:
    a, b, c, d = (member(n, h, stored=True, cluster_id="d") for h, n in enumerate("abcd"))
    places = {p.article_id: p.cluster_id for p in place([edge(a, b, 0.9), edge(b, c, 0.45), edge(c, d, 0.9)], 0.4)}
    assert places == {"a": "a", "b": "a", "c": "d", "d": "d"}
