"""What a person sees: progress while a run works, and the table it ends with."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from schemas.run import Run
from transforms.progress import counts


@contextmanager
def progress(folder: Path, console: Console) -> Iterator[None]:
    """Show what `transforms.progress.Watch` counts in `folder` until the block ends.

    On a terminal one line is kept up to date; elsewhere (cron, CI) a line is printed each minute.
    """
    started, done = time.monotonic(), threading.Event()

    def line() -> str:
        return progress_line(counts(folder), time.monotonic() - started)

    def print_each_minute() -> None:
        while not done.wait(60):
            console.print(line(), markup=False)

    if console.is_terminal:
        live = Live(get_renderable=lambda: Text(line()), console=console, refresh_per_second=2, transient=True)
        with live:
            yield
        return
    printer = threading.Thread(target=print_each_minute, name="progress", daemon=True)
    printer.start()
    try:
        yield
    finally:
        done.set()
        printer.join()


def progress_line(seen: Mapping[str, int], elapsed_s: float) -> str:
    """Return one line on how far a run is; the time left is that of the pages, at the pace so far.

    Workers on other machines may count nothing here, for as long as the run takes.

    >>> progress_line({"entries": 40, "to_fetch": 40, "pages": 9, "fetched.timeout": 1, "articles": 8}, 10.0)
    '00:10  entries 40 · pages 10/40 · articles 8 · rejected 1 (timeout 1) · about 00:30 left'
    >>> progress_line({}, 70.0)
    '01:10  nothing is counted yet'
    """
    if not seen:
        return f"{_clock(elapsed_s)}  nothing is counted yet"
    rejected = {name.partition(".")[2]: n for name, n in seen.items() if "." in name}
    ended = seen.get("pages", 0) + sum(n for name, n in seen.items() if name.startswith("fetched."))
    wanted = seen.get("to_fetch", 0)
    entries, articles = seen.get("entries", 0), seen.get("articles", 0)
    parts = [f"{_clock(elapsed_s)}  entries {entries}", f"pages {ended}/{wanted}", f"articles {articles}"]
    if rejected:
        worst = sorted(rejected.items(), key=lambda item: -item[1])[:3]
        parts.append(f"rejected {sum(rejected.values())} ({', '.join(f'{reason} {n}' for reason, n in worst)})")
    if 0 < ended < wanted:
        parts.append(f"about {_clock(elapsed_s / ended * (wanted - ended))} left")
    return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def ledger(run: Run) -> Table:
    """Return the table of a run: what came in, where it went, stage by stage, and that nothing is missing."""
    table = Table(title=f"run {run.run_id}", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("entries", justify="right")
    table.add_column("")
    table.add_row("seen in feeds" if run.command != "backfill" else "files", str(run.counts.entries))
    for kind, ends in (("skipped", run.counts.skips), ("rejected", run.counts.rejects)):
        for (stage, reason), n in sorted(_by_stage(ends).items()):
            table.add_row(f"  {kind} by {stage}", str(n), reason)
    table.add_row("articles written", str(run.counts.articles))
    total = run.counts.articles + sum(run.counts.skips.values()) + sum(run.counts.rejects.values())
    table.add_row("adds up", str(total), "✓" if total == run.counts.entries else "✗", style="bold")
    for (stage, reason), n in sorted(_by_stage(run.damaged).items()):
        table.add_row(f"files rejected by {stage}", str(n), reason)  # as a whole, or from some place on
    return table


def _by_stage(ends: Mapping[str, int]) -> dict[tuple[str, str], int]:
    return {(name.partition(".")[0], name.partition(".")[2]): n for name, n in ends.items()}
