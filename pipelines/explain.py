"""Explain: one article's way through the stages, run by the same functions as the pipeline's.

Nothing is written. Where a dataset is given, what earlier runs made of the article is told, too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Optional

from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console
from rich.text import Text

from pipelines import warc
from pipelines.clusters import register_clusters, register_tables
from pipelines.jobs import Tables
from pipelines.sources import UNKNOWN, ReadFileFn, file_entry, find_files, path_of
from schemas.errors import ConfigError, DatasetError
from schemas.records import Article, Caption, Entry, Origin, Page, Reject, TaggedArticle
from schemas.settings import Settings
from transforms.dedup.history import edges_to
from transforms.dedup.signature import sign
from transforms.extract.stage import ExtractFn
from transforms.failure import FetchFailed
from transforms.fetch.crawl import Answer, Elsewhere, crawl
from transforms.fetch.errands import PageErrand
from transforms.fetch.guard import host_of
from transforms.language import DetectLanguageFn
from transforms.repeats import DropRepeatsFn
from transforms.scrub.stage import ScrubFn
from transforms.state import Store
from transforms.tag import compile_gazetteer
from transforms.tag.transform import tag_article
from transforms.urls import canonical_url
from transforms.write import Dataset, find

_MOST_ENTITIES: Final = 15
_MOST_EVENTS: Final = 10
_CLUSTER: Final = """
WITH members AS (
    SELECT * FROM cluster_members
    WHERE cluster_id = (SELECT cluster_id FROM cluster_members WHERE article_id = ?)
)
SELECT members.cluster_id, article_id, outlet_id, kind, match_id, containment, arg_max(title, articles.version)
FROM members LEFT JOIN articles USING (article_id, outlet_id)
GROUP BY ALL ORDER BY kind NULLS FIRST, any_value(seen_at), article_id
"""


class _Ended(Exception):
    """The article went no further."""


def explain(
    target: str, dataset: Optional[Dataset], settings: Settings, tables: Tables, out: Console, outlet: str = UNKNOWN
) -> int:
    """Show how an `outlet`'s article at an address or in a file fares; return 0 where it would be written, 1 where not.

    Raises:
        ConfigError: the target is neither an address nor a file that can be read as an article.
        DatasetError: there is no dataset, or it cannot be read.
    """
    if dataset is not None:
        find(dataset)
    store = Store(dataset.state_address) if dataset is not None else None
    entry = _entry_of_url(target, outlet, settings) if "://" in target else _entry_of_file(target, outlet)
    try:
        tagged = _stages(entry, settings, tables, store, out)
    except _Ended:
        if store is not None:
            _earlier(entry.origin.link, None, store, settings, out)
        return 1
    if store is not None:
        _earlier(entry.origin.link, tagged.article, store, settings, out)
    if dataset is not None:
        show_cluster(tagged.article.article_id, dataset, out)
    _say(out, "ends", "as an article")
    out.print()
    out.print(Text(tagged.article.text), soft_wrap=True)
    return 0


def _entry_of_url(url: str, outlet: str, settings: Settings) -> Entry:
    origin = Origin(outlet, "explain", "", canonical_url(url, settings.urls.keep), None, None)
    return Entry(origin, url, "", "", "", [], [], None, None, None, None, 0)


def _entry_of_file(target: str, outlet: str) -> Entry:
    """The entry that a backfill would make of the file."""
    files = find_files([target])
    if len(files) > 1 or Path(target).is_dir() or files[0].name.lower().endswith(warc.SUFFIXES):
        raise ConfigError("command line", None, target, "is more than one article", "Give a page or text, one file")
    return file_entry(files[0], outlet)


def _stages(entry: Entry, settings: Settings, tables: Tables, store: Optional[Store], out: Console) -> TaggedArticle:
    arrived = _read(entry, settings, out) if entry.url.startswith("file:") else _fetch(entry, settings, out)
    article = (
        _one(ExtractFn(settings.extract, settings.urls, tables.profiles).process(arrived), out)
        if isinstance(arrived, Page)
        else arrived
    )
    _say(out, "extract", f"{article.extraction_method}, quality {article.extraction_quality:.2f}", article.article_type)
    _fields(
        out, article, "title", "subtitle", "authors", "published_at", "published_at_source", "modified_at", "section"
    )
    _fields(out, article, "canonical_url", "warnings")
    _removed(out, article, 0)

    scrubbed: Article = _one(ScrubFn(tables.rules, settings.extract.min_chars).process(article), out)
    _say(out, "scrub", f"{len(article.text)} characters in, {len(scrubbed.text)} out")
    _removed(out, scrubbed, len(article.removals))
    _fields(
        out, scrubbed, "title", "subtitle", "authors", "dateline", "syndication_source", "captions", "published_at",
        "warnings", but=article,
    )  # fmt: skip

    if store is not None:
        (lasting,) = DropRepeatsFn(store, settings.extract.min_chars).process(scrubbed)
        _say(out, "repeats", f"{len(lasting.removals) - len(scrubbed.removals)} lines are the outlet's own")
        _removed(out, lasting, len(scrubbed.removals))
        scrubbed = lasting

    detect = DetectLanguageFn(settings.language)
    detect.setup()
    known: Article = _one(detect.process(scrubbed), out)
    _say(out, "language", known.language, f"confidence {known.language_confidence:.2f}, declared {scrubbed.language}")

    tagged = tag_article(known, compile_gazetteer(tables.gazetteer), settings.tag)
    _say(out, "tag", f"{len(tagged.document_entities)} entities", f"conflict score {tagged.conflict_score:.2f}")
    _entities(out, tagged)
    _events(out, tagged)
    return tagged


def _fetch(entry: Entry, settings: Settings, out: Console) -> Page:
    errand = PageErrand()
    for _ in range(settings.http.max_redirects + 1):
        ended = next(iter(crawl(settings.http, {host_of(entry.url): [entry]}, {}, errand.ask)))
        assert isinstance(ended, tuple)
        match ended[1]:
            case Elsewhere(ask):
                _say(out, "fetch", f"redirected to {ask.url}")
                entry = errand.moved(entry, ask)
            case Answer() as answer:
                response = answer.response
                _say(out, "fetch", f"{response.status}, {len(response.body)} bytes", response.url)
                page: Page = _one(_bare(errand.answered(entry, answer)), out)
                return page
            case FetchFailed() as failure:
                _one(_bare(errand.failed(entry, failure)), out)
    raise AssertionError("the crawl refuses more redirects than this")


def _read(entry: Entry, settings: Settings, out: Console) -> Any:
    path = path_of(entry.url)
    _say(out, "read", f"{path.stat().st_size} bytes", entry.origin.entry_id)
    found = next(iter(ReadFileFn(settings.http.max_body_bytes).process(entry)))
    if isinstance(found, TaggedOutput) and not isinstance(found.value, Reject):
        return found.value
    return _one(iter([found]), out)


def _bare(outputs: Iterator[tuple[str, object]]) -> Iterator[Any]:
    for tag, value in outputs:
        yield value if tag == "main" else TaggedOutput(tag, value)


def _one(outputs: Iterator[Any], out: Console) -> Any:
    """The main output of a stage; what leaves by another ends the way."""
    output = next(iter(outputs))
    if not isinstance(output, TaggedOutput):
        return output
    ended = output.value
    _say(out, ended.stage, f"{output.tag.removesuffix('s')}: {ended.reason}", getattr(ended, "detail", ""))
    raise _Ended


def _earlier(link: str, article: Optional[Article], store: Store, settings: Settings, out: Console) -> None:
    state = store.links([link]).get(link)
    if state is None:
        _say(out, "state", "no run has met this link")
    else:
        ended = " ".join(part for part in (state.outcome, state.reason) if part)
        _say(out, "state", f"met by a run at {_time(state.at)}", f"ended as {ended}; {state.tries} failed tries")
    if article is None:
        return
    version = store.versions([article.article_id]).get(article.article_id)
    if version is not None:
        same = "this very text" if version.content_hash == article.content_hash else "another text"
        _say(out, "dedup", f"stored as version {version.version}", f"{same}, {article.article_id}")
    signature = sign(article, settings.dedup)
    since = Timestamp.now() - settings.dedup.lookback_days * 86_400
    found = store.signatures(signature.anchors, since, settings.dedup.max_anchor_records)
    others = {other.article_id: other for other in found if other.article_id != article.article_id}
    for edge in edges_to(signature, others.values(), settings.dedup):
        other = others[(edge.a if edge.a.stored else edge.b).article_id]
        same = "a copy" if edge.verdict.same else "no copy"
        share = f"{edge.verdict.containment:.0%} of the shorter text in common: {same}, of cluster {other.cluster_id}"
        _say(out, "dedup", f"{other.outlet}: {other.title}", share)


def show_cluster(article_id: str, dataset: Dataset, out: Console) -> None:
    """Show the cluster that an article of the dataset is in now: its members, and what links each to it.

    Raises:
        DatasetError: the dataset cannot be read.
    """
    import duckdb

    try:
        with duckdb.connect() as db:
            register_clusters(db, dataset)
            register_tables(db, dataset, ["articles"])
            rows = db.execute(_CLUSTER, [article_id]).fetchall()
    except duckdb.Error as error:
        problem = f"its clusters cannot be read: {str(error).splitlines()[0]}"
        raise DatasetError(dataset.root, problem, "Look at it with `newsbeam verify`") from error
    if rows:
        _say(out, "cluster", f"{rows[0][0]}, {len(rows)} members")
    outlets = {member: outlet for _, member, outlet, *_ in rows}
    for _, member, outlet, kind, match, containment, title in rows:
        mark = "=>" if member == article_id else "- "
        shared = f"  {containment:.0%} in common with {outlets.get(match, match)}" if match else ""
        what = Text(f"{kind or 'canonical':11}", "yellow")
        line = Text.assemble(" " * 7, (f"{mark} ", "green"), what, f"{outlet}: {title or ''}", (shared, "dim"))
        out.print(line, soft_wrap=True)


def _say(out: Console, stage: str, what: str, more: str = "") -> None:
    line = Text.assemble((f"{stage:10}", "bold cyan"), what, ("  " + more if more else "", "dim"))
    out.print(line, soft_wrap=True)


def _fields(out: Console, article: Article, *names: str, but: Optional[Article] = None) -> None:
    """Show the fields that say something; with `but`, only those that differ from that article's."""
    for name in names:
        value = getattr(article, name)
        if value and (but is None or value != getattr(but, name)):
            shown = ", ".join(map(_shown, value)) if isinstance(value, list | tuple) else _shown(value)
            out.print(Text.assemble(" " * 10, (f"{name:20}", "green"), shown[:300]), soft_wrap=True)


def _shown(value: object) -> str:
    """A field, or one of its values, as a person writes it."""
    if isinstance(value, Timestamp):
        return _time(value)
    if isinstance(value, Caption):
        return f"{value.text} ({value.credit})".strip() if value.credit else value.text
    return str(value)


def _removed(out: Console, article: Article, since: int) -> None:
    shown = article.removals[since:]
    width = max((len(removal.rule) for removal in shown), default=0)
    for removal in shown:
        rule = f"{removal.rule:{max(width, 18)}}  "
        out.print(Text.assemble(" " * 8, ("- ", "red"), (rule, "yellow"), removal.text[:160]), soft_wrap=True)


def _entities(out: Console, tagged: TaggedArticle) -> None:
    """One line an entity, never folded: an id is there to be copied."""
    shown = tagged.document_entities[:_MOST_ENTITIES]
    width = max((len(entity.id) for entity in shown), default=0)
    for entity in shown:
        under = f"  under {', '.join(entity.parents)}" if entity.parents else ""
        figures = f"  {entity.type:14} {entity.count:3} ×  relevance {entity.relevance:.2f}"
        out.print(Text.assemble(" " * 10, (f"{entity.id:{width}}", "green"), figures, (under, "dim")), soft_wrap=True)
    if rest := len(tagged.document_entities) - len(shown):
        out.print(Text(f"{'':10}and {rest} more"))


def _events(out: Console, tagged: TaggedArticle) -> None:
    """One line an event: the word that tells of it, what kind it is, and who is named in its sentence."""
    shown = tagged.events[:_MOST_EVENTS]
    if shown:
        _say(out, "events", f"{len(tagged.events)} words tell of one")
    width = max((len(event.surface) for event in shown), default=0)
    for event in shown:
        named = f"  {', '.join(event.entities)}" if event.entities else ""
        out.print(
            Text.assemble(" " * 10, (f"{event.surface:{width}}", "green"), f"  {event.type:10}", (named, "dim")),
            soft_wrap=True,
        )
    if rest := len(tagged.events) - len(shown):
        out.print(Text(f"{'':10}and {rest} more"))


def _time(at: Timestamp) -> str:
    return f"{at.to_utc_datetime():%Y-%m-%d %H:%M} UTC"
