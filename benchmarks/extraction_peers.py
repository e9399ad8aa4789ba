"""Extraction beside the other extractors for Python that are installed, on annotated pages.

    python -m benchmarks.extraction_peers DATA [--cv PREDICTIONS.jsonl] [--every N]

DATA holds truth.jsonl, html/ and score.py. All extractors read each page in turn, as bytes or as text, whichever they
take, so that their CPU times compare. `--cv` adds a row for the bodies that `benchmarks.fit_extraction --cv` predicted:
the model that is shipped was fitted on pages of such data, those predictions were not.
Needs `pip install -e '.[peers]'`, with pip 24 or later. Fundus is not among them: it needs lxml below 6.
"""

import argparse
import gzip
import importlib
import logging
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from time import thread_time
from typing import Any, Final

from benchmarks.adapters import extract_page

Extractor = Callable[[bytes, str], Mapping[str, Any]]  # page and address -> body, title, authors, date
BASE: Final = "trafilatura"
COLUMNS: Final = ("F1", "residue", "missing", "title", "author", "date")


def trafilatura(html: bytes, url: str, *, metadata: bool = False) -> Mapping[str, Any]:
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    found = bare_extraction(_text(html), url=url, include_comments=False, with_metadata=metadata)
    if not isinstance(found, Document):
        return {}
    return {"body": found.text, "title": found.title, "authors": found.author, "date": found.date}


def newspaper4k(html: bytes, url: str) -> Mapping[str, Any]:
    from newspaper import Article

    article = Article(url, fetch_images=False)
    article.download(input_html=_text(html))
    article.parse()
    date = article.publish_date.isoformat() if article.publish_date else ""
    return {"body": article.text, "title": article.title, "authors": article.authors, "date": date}


def news_please(html: bytes, url: str) -> Mapping[str, Any]:
    from newsplease import NewsPlease

    article = NewsPlease.from_html(_text(html), url, fetch_images=False)
    date = article.date_publish.isoformat() if article.date_publish else ""
    return {"body": article.maintext, "title": article.title, "authors": article.authors, "date": date}


def readability_lxml(html: bytes, url: str) -> Mapping[str, Any]:
    from lxml.html import fromstring
    from readability import Document

    document = Document(_text(html), url=url)
    blocks = fromstring(document.summary()).iter("p", "li", "h2", "h3", "h4", "pre", "td", "div")
    # A <div> without elements of its own is a paragraph; others only hold some.
    texts = [" ".join(block.itertext()) for block in blocks if block.tag != "div" or not len(block)]
    return {"body": "\n\n".join(" ".join(text.split()) for text in texts), "title": document.short_title()}


def goose3(html: bytes, url: str) -> Mapping[str, Any]:
    from goose3 import Goose

    with Goose({"enable_image_fetching": False}) as goose:
        article = goose.extract(raw_html=_text(html), url=url)
    authors = [name for name in article.authors if isinstance(name, str)]  # JSON-LD's lists come as lists in the list
    date = article.publish_date if isinstance(article.publish_date, str) else ""
    title = article.title if isinstance(article.title, str) else ""
    return {"body": article.cleaned_text, "title": title, "authors": authors, "date": date}


def justext(html: bytes, url: str) -> Mapping[str, Any]:
    from justext import justext

    paragraphs = justext(html, _stop_words(), encoding="utf-8")
    return {"body": "\n\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)}


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    """Those of all languages: a page's is not known beforehand."""
    from justext import get_stoplist, get_stoplists

    return frozenset[str]().union(*map(get_stoplist, get_stoplists()))


PEERS: Final[Mapping[str, Extractor]] = {
    "newsbeam": extract_page,
    BASE: trafilatura,
    f"{BASE}, with metadata": partial(trafilatura, metadata=True),
    "newspaper4k": newspaper4k,
    "news-please": news_please,
    "readability-lxml": readability_lxml,
    "goose3": goose3,
    "jusText": justext,
}


def _text(html: bytes) -> str:
    return html.decode("utf-8", "replace")


def _page(data: Path, truth: Mapping[str, Any]) -> bytes:
    return gzip.decompress((data / truth["html"]).read_bytes())


def ask(peer: Extractor, html: bytes, url: str) -> tuple[Mapping[str, Any], float, str]:
    """Return what an extractor says, the seconds of CPU it took, and its exception's name, "" for none."""
    begun = thread_time()
    try:
        return peer(html, url), thread_time() - begun, ""
    except Exception as error:  # whatever a third-party parser raises: a page not read
        return {}, thread_time() - begun, type(error).__name__


def installed(html: bytes, url: str) -> dict[str, Extractor]:
    """Return the extractors that can be imported, all their models loaded, and say which cannot."""
    out = {}
    for name, peer in PEERS.items():
        error = ask(peer, html, url)[2]
        if error in ("ImportError", "ModuleNotFoundError"):
            print(f"{name} is not installed", file=sys.stderr)
        else:
            out[name] = peer
    return out


def row(score: Any, truth: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """F1 of each benchmark, then the means over them that the scorer makes."""
    pages = defaultdict(list)
    for page, answer in zip(truth, answers, strict=True):
        pages[page["benchmark"]].append(score.score_page(page, answer))
    rows = {name: score.summarise(scores) for name, scores in sorted(pages.items())}
    means = score.mean_of_benchmarks(rows)
    return [*(summary["F1"] for summary in rows.values()), *(means[column] for column in COLUMNS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cv", type=Path, metavar="PREDICTIONS.jsonl")
    parser.add_argument("--every", type=int, default=1, help="read each N-th page only")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    sys.path.insert(0, str(args.data))
    score = importlib.import_module("score")
    truth = score.read_jsonl(args.data / "truth.jsonl")[:: args.every]
    peers = installed(_page(args.data, truth[0]), truth[0]["url"])
    answers = defaultdict[str, list[Mapping[str, Any]]](list)
    seconds, failed = defaultdict[str, float](float), Counter[str]()
    for page in truth:
        html = _page(args.data, page)
        for name, peer in peers.items():
            answer, took, error = ask(peer, html, page["url"])
            answers[name].append(answer)
            seconds[name] += took
            failed[name] += bool(error)
    if args.cv:
        known = {line["id"]: line for line in score.read_jsonl(args.cv)}
        pairs = zip(truth, answers["newsbeam"], strict=True)
        answers["newsbeam, unseen outlets"] = [{**own, "body": known[page["id"]]["body"]} for page, own in pairs]
    sets = sorted({page["benchmark"] for page in truth})
    print(f"| {len(truth)} pages | {' | '.join([*sets, 'MEAN', *COLUMNS[1:], 'CPU', 'failed', 'empty'])} |")
    print("|---" * (len(sets) + len(COLUMNS) + 4) + "|")
    for name, given in answers.items():
        cells = ["-" if value is None else f"{100 * value:.1f}" for value in row(score, truth, given)]
        empty = sum(not answer.get("body") for answer in given)
        cpu = f"{seconds[name] / seconds[BASE]:.2f}" if name in seconds else "-"
        print(f"| {name} | {' | '.join(cells)} | {cpu} | {failed[name]} | {empty} |")


if __name__ == "__main__":
    main()
