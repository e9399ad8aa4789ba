"""What an outlet puts under its articles makes no two of them one."""

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Signature
from schemas.settings_files import load_settings
from transforms.dedup.decide import Verdict, compare, unpack
from transforms.dedup.footer import Foot, feet, is_footer, with_footer
from transforms.dedup.signature import MAX_CHARS, numbers, shingle

SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").dedup


def words(seed: int, count: int) -> str:
    draw = random.Random(seed)
    return " ".join("".join(draw.choices("abcdefghilmnoprstu", k=draw.randint(3, 9))) for _ in range(count))


FOOTER = [words(seed, count) for seed, count in ((91, 9), (92, 90), (93, 5))]


def signed(name: str, *lines: str, outlet: str = "wadi", title: str = "") -> tuple[Signature, str]:
    text = "\n\n".join(lines)
    shingles = shingle(text, SETTINGS)
    signature = Signature(
        name, 1, outlet, name, title or words(sum(name.encode()), 5), shingles.anchors, shingles.sketch,
        json.dumps(numbers(text)), shingles.length, None, Timestamp(0), "", shingles.lead,
    )  # fmt: skip
    return signature, text


def learned(*texts: tuple[Signature, str]) -> dict[str, Signature]:
    """The signatures with what is a footer among them."""
    lines, footers = defaultdict[int, list[Foot]](list), defaultdict[str, list[bytes]](list)
    for signature, text in texts:
        for line, foot in feet(signature, text, SETTINGS):
            lines[line].append(foot)
    for found in lines.values():
        if is_footer(found):
            for foot in found:
                footers[foot.article_id].append(foot.shingles)
    return {signature.article_id: with_footer(signature, footers[signature.article_id]) for signature, _ in texts}


def judged(a: Signature, b: Signature) -> Optional[Verdict]:
    return compare(unpack(a), unpack(b), SETTINGS)


def brief(number: int, **other: Any) -> tuple[Signature, str]:
    return signed(f"b{number}", words(number, 25), *FOOTER, **other)


def test_briefs_over_one_footer_have_nothing_in_common() -> None:
    a, b, c = learned(brief(1), brief(2), brief(3)).values()
    assert judged(a, b) is None
    assert judged(b, c) is None


def test_a_footer_that_one_of_two_knows_does_not_count() -> None:
    """The other was signed when its outlet's footer was not known yet."""
    known = learned(brief(1), brief(2), brief(3))["b1"]
    assert judged(known, brief(4)[0]) is None


def test_what_two_stories_have_in_common_is_no_footer() -> None:
    assert {s.footer for s in learned(brief(1), brief(2)).values()} == {b""}


def test_the_closing_lines_of_one_story_are_no_footer() -> None:
    """Its later texts stand at addresses of their own, under the same opening or under like titles."""
    opening = words(1, 25)
    same_opening = [signed(f"s{n}", f"{opening} {words(n, 9)}", *FOOTER, title=f"Take {words(n, 4)}") for n in range(5)]
    assert {s.footer for s in learned(*same_opening).values()} == {b""}
    like_titles = [brief(n, title=f"Bridge reopens {words(n, 2)}") for n in range(5)]
    assert {s.footer for s in learned(*like_titles).values()} == {b""}


def test_versions_of_an_article_are_one_story() -> None:
    versions = [signed("s", words(n, 25), *FOOTER, title=words(n, 4)) for n in range(5)]
    assert {s.footer for s in learned(*versions).values()} == {b""}


FOUND = [
    Foot(f"a{n % 5}", f"{words(n % 3, 4)} {words(n, 2)}", np.array([n % 4, 9 + n], "<u4").tobytes(), b"")
    for n in range(9)
]


@given(st.lists(st.sampled_from(FOUND), max_size=9), st.randoms())
def test_the_order_in_which_a_line_was_found_and_repetitions_change_nothing(found: list[Foot], draw: Any) -> None:
    again = [*found, *found[:3]]
    draw.shuffle(again)
    assert is_footer(again) == is_footer(found)


def test_a_round_up_that_is_like_each_of_three_stories_does_not_hide_them() -> None:
    stories = ["Bridge reopens at Qaim", "Kabul mourns poets", "Idlib bakers strike"]
    found = [Foot(f"b{n}", title, np.array([n], "<u4").tobytes(), b"") for n, title in enumerate(stories)]
    round_up = Foot("a", "Bridge reopens, Kabul mourns, Idlib bakers", np.array([9], "<u4").tobytes(), b"")
    assert is_footer(found)
    assert is_footer([round_up, *found])


@given(st.lists(st.sampled_from(FOUND), max_size=9), st.sampled_from(FOUND))
def test_another_text_with_a_footer_does_not_unmake_it(found: list[Foot], another: Foot) -> None:
    assert is_footer([*found, another]) >= is_footer(found)


def test_a_footer_is_its_outlets_alone() -> None:
    assert {s.footer for s in learned(*(brief(n, outlet=f"outlet-{n}") for n in range(5))).values()} == {b""}


def test_between_outlets_a_footer_counts() -> None:
    """Whoever copies an article with all that is under it has copied it."""
    article = signed("a", words(1, 25), *FOOTER)
    own = learned(article, brief(2), brief(3))["a"]
    copy, _ = signed("copy", words(1, 25), *FOOTER, outlet="dune")
    verdict = judged(own, copy)
    assert verdict is not None
    assert verdict.containment == 1.0


def test_a_copy_of_a_brief_is_known_above_its_footer() -> None:
    again = signed("again", words(1, 25), *FOOTER, title="Said once more")
    known = learned(brief(1), brief(2), brief(3), again)
    verdict = judged(known["b1"], known["again"])
    assert verdict is not None
    assert verdict.same


def test_a_footer_is_part_of_the_sketch_and_the_text_above_is_not_in_it() -> None:
    text = learned(brief(1), brief(2), brief(3))["b1"]
    own = set(np.frombuffer(shingle(words(1, 25), SETTINGS).sketch, "<u4").tolist())
    footer, sketch = (set(np.frombuffer(part, "<u4").tolist()) for part in (text.footer, text.sketch))
    assert footer < sketch
    assert len(footer) > 0.7 * len(sketch)
    assert not footer & own


@pytest.mark.parametrize("lines", [[""], ["!", "?"], ["a", "b" * (MAX_CHARS + 9)]], ids=["empty", "marks", "long"])
def test_odd_texts_have_feet_too(lines: list[str]) -> None:
    signature, text = signed("odd", *lines)
    assert len(list(feet(signature, text, SETTINGS))) <= len(lines) - 1
