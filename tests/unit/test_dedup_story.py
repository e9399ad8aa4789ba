"""What a run has made of clusters, and the walk through the history and the forest that it rests on."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Optional

import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.records import ClusterAlias, Signature
from schemas.settings_files import load_settings
from transforms.dedup.cluster import Placement
from transforms.dedup.decide import Edge, Head, Verdict
from transforms.dedup.forest import Connect
from transforms.dedup.history import walk
from transforms.dedup.story import changed

SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").dedup


def head(name: str, stored_in: Optional[str] = None) -> Head:
    at = Timestamp(ord(name))
    stored = stored_in is not None
    return Head(name, 1, f"outlet-{name}", stored_in or "", 9, at, at, "", stored, stored_in or "")


def edges(*heads: Head) -> list[Edge]:
    """A chain of them, in order."""
    return [
        Edge(a, b, Verdict(0.9, 0.8, same=True, weight=0.9)) for a, b in zip(heads, heads[1:] or heads, strict=False)
    ]


def placed(**groups: str) -> dict[str, Placement]:
    """Places by article, from `cluster_id="members"`; the first member is canonical."""
    return {
        name: Placement(name, cluster, names[0] if name != names[0] else None, "repost" if name != names[0] else None, "")
        for cluster, names in groups.items()
        for name in names
    }  # fmt: skip


def told(chain: list[Edge], places: dict[str, Placement]) -> tuple[dict[str, str], dict[str, str]]:
    clusters, aliases = changed(chain, places, 100)
    return (
        {each.cluster_id: "".join(member.article_id for member in each.members) for each in clusters},
        {alias.cluster_id: alias.survivor for alias in aliases},
    )


@pytest.mark.parametrize(
    ("chain", "places", "clusters", "aliases"),
    [
        pytest.param(edges(head("a"), head("b")), placed(a="ab"), {"a": "ab"}, {}, id="two new ones"),
        pytest.param(edges(head("a"), head("b")), placed(a="a", b="b"), {}, {}, id="new ones that stay alone"),
        pytest.param(edges(head("a", "a"), head("b")), placed(a="ab"), {"a": "ab"}, {}, id="one joins a stored one"),
        pytest.param(
            edges(head("a", "a"), head("b", "a"), head("c")), placed(a="ab", c="c"), {}, {}, id="a cluster left as it is"
        ),
        pytest.param(
            edges(head("a", "a"), head("c"), head("b", "b")), placed(a="abc"), {"a": "abc"}, {"b": "a"}, id="a merge"
        ),
        pytest.param(
            edges(head("a", "a"), head("b", "a"), head("c")),
            placed(a="a", b="bc"),
            {"a": "a", "b": "bc"},
            {},
            id="one leaves",
        ),
        pytest.param(
            edges(head("b", "a"), head("c", "a"), head("d")),
            placed(b="bcd"),
            {"b": "bcd"},
            {"a": "b"},
            id="the article that named it is forgotten",
        ),
        pytest.param(
            edges(head("a", "b"), head("b", "b"), head("c")),
            placed(a="a", b="bc"),
            {"a": "a", "b": "bc"},
            {},
            id="alone under an id of its own again",
        ),
    ],
)  # fmt: skip
def test_a_cluster_is_told_where_it_changed_and_a_merge_where_its_id_is_gone(
    chain: list[Edge], places: dict[str, Placement], clusters: dict[str, str], aliases: dict[str, str]
) -> None:
    assert told(chain, places) == (clusters, aliases)


def test_a_merge_is_dated_by_the_newest_article() -> None:
    chain = edges(head("a", "a"), head("b", "b"), head("c"))
    assert changed(chain, placed(a="abc"), 100)[1] == [ClusterAlias("b", "a", Timestamp(ord("c")))]


@pytest.mark.parametrize(("stored", "complete"), [("aa", False), ("ab", True)], ids=["in one walk", "in two"])
def test_a_cluster_is_incomplete_where_one_walk_met_as_many_texts_as_it_takes(stored: str, complete: bool) -> None:
    chain = edges(head("a", stored[0]), head("b", stored[1]), head("c"))
    clusters, _ = changed(chain, placed(a="abc"), 2)
    assert [cluster.complete for cluster in clusters] == [complete]


def test_forests_of_any_parts_of_the_links_make_the_same_components() -> None:
    draw, connect = random.Random(5), Connect()
    names = [f"n{n:02}" for n in range(60)]
    pairs = [(draw.choice(names), draw.choice(names)) for _ in range(45)]

    def roots(parts: Iterable[list[tuple[str, str]]]) -> dict[str, str]:
        forests = []
        for part in parts:
            forest = connect.create_accumulator()
            for pair in part:
                forest = connect.add_input(forest, pair)
            forests.append(forest)
        return connect.extract_output(connect.merge_accumulators(forests))

    whole = roots([pairs])
    assert all(whole[a] == whole[b] == min(n for n in whole if whole[n] == whole[a]) for a, b in pairs)
    for _ in range(5):
        draw.shuffle(pairs)
        assert roots([pairs[:7], [], pairs[7:30], pairs[30:]]) == whole


def ring(size: int) -> dict[int, Signature]:
    """Stored texts of which each shares half of its hashes with the one before it."""
    return {
        number: Signature(
            f"s{number:02}", 1, f"o{number}", "s", "", [number, number + 1],
            b"".join((1000 * n + k).to_bytes(4, "little") for n in (number, number + 1) for k in range(50)),
            "{}", 100, Timestamp(0), Timestamp(0), "",
        )
        for number in range(size)
    }  # fmt: skip


def test_a_walk_gives_each_edge_of_what_is_linked_once_and_stops_at_its_limit() -> None:
    stored = ring(9)
    asked = []

    def search(signature: Signature) -> list[Signature]:
        asked.append(signature.article_id)
        return [other for other in stored.values() if set(other.anchors) & set(signature.anchors)]

    def pairs(limit: int) -> list[tuple[str, str]]:
        return sorted((edge.a.article_id, edge.b.article_id) for edge in walk([stored[4]], search, SETTINGS, limit))

    assert pairs(100) == [(f"s{n:02}", f"s{n + 1:02}") for n in range(8)]
    assert sorted(asked) == [f"s{n:02}" for n in range(9)]
    assert len(pairs(4)) == 3
