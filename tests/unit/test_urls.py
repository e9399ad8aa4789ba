"""URL identity: what is one article, and what is not."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transforms.urls import canonical_url, registered_domain, same_site

PLAIN = "https://wadi.example.com/news/2024/river-talks"

SAME = {
    "scheme": ("http://wadi.example.com/news/2024/river-talks", PLAIN),
    "letter case of the host": ("HTTPS://Wadi.Example.COM/news/2024/river-talks", PLAIN),
    "www": ("https://www.wadi.example.com/news/2024/river-talks", PLAIN),
    "phone host under an unknown suffix": ("https://m.wadi.example/a-b", "https://www.wadi.example/a-b"),
    "phone host": ("https://m.wadi.example.com/news/2024/river-talks", PLAIN),
    "phone label inside": ("https://wadi.m.example.com/news/2024/river-talks", PLAIN),
    "default port": ("http://wadi.example.com:80/news/2024/river-talks", PLAIN),
    "final dot": ("https://wadi.example.com./news/2024/river-talks", PLAIN),
    "credentials": ("https://reader:secret@wadi.example.com/news/2024/river-talks", PLAIN),
    "trailing slash": (PLAIN + "/", PLAIN),
    "dot segments": ("https://wadi.example.com/news/x/../2024/./river-talks", PLAIN),
    "empty segments": ("https://wadi.example.com//news/2024//river-talks", PLAIN),
    "white space": (" \thttps://wadi.example.com/news/2024/\nriver-talks ", PLAIN),
    "fragment": (PLAIN + "#comments", PLAIN),
    "index page": (PLAIN + "/index.html", PLAIN),
    "no scheme": ("wadi.example.com/news/2024/river-talks", PLAIN),
    "scheme-relative": ("//wadi.example.com/news/2024/river-talks", PLAIN),
    "tracking": (PLAIN + "?utm_source=a&fbclid=b&mc_cid=c&at_medium=d", PLAIN),
    "ambiguous name beside a slug": (PLAIN + "?ref=front&source=mail", PLAIN),
    "empty parameter": (PLAIN + "?print=&theme=", PLAIN),
    "order of parameters": ("https://wadi.example.com/s?b=2&a=1", "https://wadi.example.com/s?a=1&b=2"),
    "AMP segment at the end": (PLAIN + "/amp", PLAIN),
    "AMP segment at the start": ("https://wadi.example.com/amp/news/2024/river-talks", PLAIN),
    "AMP before an index page": (PLAIN + "/amp/index.html", PLAIN),
    "AMP suffix": (PLAIN + ".amp.html", PLAIN + ".html"),
    "AMP parameter": (PLAIN + "?outputType=amp", PLAIN),
    "AMP server of several titles": ("https://amp.wadi.com/wadi/2024/talks", "https://www.wadi.com/2024/talks"),
    "AMP cache": (
        "https://wadi-example-com.cdn.cache.test.org/c/s/wadi.example.com/news/2024/river-talks?utm_source=x",
        PLAIN,
    ),
    "AMP viewer": ("https://search.test.org/amp/s/wadi.example.com/news/2024/river-talks%3famp", PLAIN),
    "redirector by path": ("https://search.test.org/url?sa=U&q=https%3A%2F%2Fwadi.example.com%2Fnews%2F2024%2Friver-talks", PLAIN),
    "redirector by host": ("https://out.test.org/?url=" + PLAIN, PLAIN),
    "redirector in a redirector": ("https://l.test.org/l.php?u=https%3A%2F%2Fgo.test.org%2Fr%3Furl%3Dhttps%253A%252F%252Fwadi.example.com%252Fnews%252F2024%252Friver-talks", PLAIN),
    "print view": (PLAIN + "?print=true", PLAIN),
    "first page": (PLAIN + "?page=1", PLAIN),
    "session in the path": (PLAIN + ";jsessionid=0A1B", PLAIN),
    "session in the query": (PLAIN + "?PHPSESSID=9f8e&sid=0123456789abcdef0123456789abcdef", PLAIN),
    "percent-encoding": ("https://wadi.example.com/%7Ea/caf%c3%a9", "https://wadi.example.com/~a/café"),
    "decomposed letters": ("https://wadi.example.com/cafe\u0301", "https://wadi.example.com/caf\u00e9"),
    "IDN": ("https://bücher.example.com/a", "https://xn--bcher-kva.example.com/a"),
}  # fmt: skip

APART = {
    "id": ("https://wadi.example.com/index.php?id=1", "https://wadi.example.com/index.php?id=2"),
    "story number named sid": ("https://wadi.example.com/v.php?sid=77", "https://wadi.example.com/v.php?sid=78"),
    "ambiguous name alone on a script": ("https://a.org/view.php?cid=1", "https://a.org/view.php?cid=2"),
    "ambiguous name alone on a bare path": ("https://a.org/story?ref=1", "https://a.org/story?ref=2"),
    "bare number": ("https://wadi.example.com/articles/?500", "https://wadi.example.com/articles/?501"),
    "later pages": (PLAIN + "?page=2", PLAIN + "?page=3"),
    "letter case of the path": ("https://s.example.com/aBc", "https://s.example.com/abc"),
    "desks": ("https://sport.example.com/a", "https://money.example.com/a"),
    "languages": ("https://wadi.example.com/en/a", "https://wadi.example.com/ar/a"),
    "amp as a word": ("https://wadi.example.com/amp-prices", "https://wadi.example.com/prices"),
    "odd ports": ("http://127.0.1.5:8080/a", "http://127.0.1.5:8081/a"),
    "addresses": ("http://127.0.1.5:8080/a", "http://127.0.1.6:8080/a"),
    "routes in the fragment": ("https://wadi.example.com/#!/story/1", "https://wadi.example.com/#!/story/2"),
    "encoded slash": ("https://wadi.example.com/a%2Fb", "https://wadi.example.com/a/b"),
    "bytes of another charset": ("https://wadi.example.com/%e9", "https://wadi.example.com/%e8"),
    "a name that is a phone label": ("https://m.co.uk/a", "https://www.co.uk/a"),
    "blogs of one service": ("https://m.blogspot.com/a", "https://www.blogspot.com/a"),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_one_article_has_one_address(pair: tuple[str, str]) -> None:
    assert canonical_url(pair[0]) == canonical_url(pair[1])


@pytest.mark.parametrize("pair", APART.values(), ids=APART)
def test_two_articles_stay_apart(pair: tuple[str, str]) -> None:
    assert canonical_url(pair[0]) != canonical_url(pair[1])


KEPT = {"wadi.example": ["ref"], "play.dune.example": ["page"]}


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("https://wadi.example/a-b?ref=1", "https://wadi.example/a-b?ref=2", False),
        ("https://www.wadi.example/a-b?ref=1", "https://m.news.wadi.example/a-b?ref=2", False),
        ("https://m.wadi.example/a-b?REF=1&utm_source=x", "https://wadi.example/a-b?ref=1", False),
        ("https://m.wadi.example/a-b?ref=1&utm_source=x", "https://wadi.example/a-b?ref=1", True),
        ("https://wadi.example/a-b?source=1", "https://wadi.example/a-b?source=2", True),
        ("https://play.dune.example/a-b?page=1", "https://play.dune.example/a-b", False),
        ("https://dune.example/a-b?page=1", "https://dune.example/a-b", True),
        ("https://notwadi.example/a-b?ref=1", "https://notwadi.example/a-b?ref=2", True),
        ("https://go.test.org/r?url=https%3A%2F%2Fwadi.example%2Fa-b%3Fref%3D1", "https://wadi.example/a-b?ref=1", True),
        ("https://wadi.example/a-b?ref=", "https://wadi.example/a-b", True),
    ],
    ids=[
        "on the host", "below it", "names as written", "beside tracking", "other parameters", "of a view", "not above it",
        "a name that ends like it", "behind a redirector", "empty",
    ],
)  # fmt: skip
def test_what_a_site_names_its_articles_by_is_kept_there_only(a: str, b: str, same: bool) -> None:
    assert (canonical_url(a, KEPT) == canonical_url(b, KEPT)) == same


def test_an_odd_port_keeps_its_scheme() -> None:
    assert canonical_url("http://127.0.1.5:8080/a/") == "http://127.0.1.5:8080/a"


@pytest.mark.parametrize(
    "odd", ["", "/srv/archive/a.html", "mailto:a@b.example", "http://[::1", "http://a:99999/", "http://"]
)
def test_what_is_no_address_comes_back_as_it_is(odd: str) -> None:
    assert canonical_url(odd) == odd


pieces = st.sampled_from(
    ["http:", "https:", "/", "//", "..", ".", "?", "&", ";", "=", "#", "%2F", "%25", "%3B", "%e9", "+", ":", "@", "amp", "x.amp",
     "www.", "m.", "a.example.com", "index.html", "view.php", "ref=1", "id=2", "sid=", "é", "e\u0301", "\ud800", "\x00", " ", "[", "!/"]
)  # fmt: skip


@example("http://a.example/?%3B")
@example("//%2Fé")
@example("http://a.example/#/\ud800")
@given(
    st.lists(pieces, max_size=14).map("".join)
    | st.text()
    | st.lists(pieces).map(lambda p: "http://a.com/" + "".join(p))
)
def test_the_address_of_an_address_is_itself(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


def test_a_site_is_what_one_owner_registered() -> None:
    assert registered_domain("https://news.wadi.co.uk/a") == "wadi.co.uk"
    assert same_site("https://www.wadi.co.uk/a", "http://amp.wadi.co.uk/b")
    assert not same_site("https://wadi.co.uk/a", "https://other.co.uk/a")
    assert not same_site("https://one.blogspot.com/a", "https://two.blogspot.com/a")
    assert not same_site("http://127.0.1.5/", "http://127.0.1.6/")
    assert not same_site("not a url", "not a url")
