"""A run reads an outlet's pages by its profile, and ends by saying which selectors have stopped matching."""

from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console

from pipelines import jobs
from pipelines.options import choose
from schemas.gazetteer import Gazetteer
from schemas.run import Run
from schemas.settings import Outlet, Profile
from schemas.settings_files import load_settings
from transforms.scrub import load_rules
from transforms.write import Dataset

CONFIG = Path(__file__).parents[2] / "config"
PAGE = (Path(__file__).parents[1] / "data" / "profiles" / "vellin-courier.html").read_bytes()


def test_a_profile_is_used_and_a_stale_selector_is_told_at_the_end(web: Any, http: Any, tmp_path: Path) -> None:
    item = f"<item><title>Harbour</title><link>{web.url('/harbour')}</link></item>"
    web.answers["/rss"] = http.says(http.http(200, f"<rss><channel>{item}</channel></rss>".encode()))
    web.answers["/harbour"] = http.says(http.http(200, PAGE, "Content-Type: text/html"))
    settings = load_settings(CONFIG / "defaults.toml")
    asked = settings.http.model_copy(update={"allow_networks": ("127.0.0.0/8",), "gap_s": 0.0})
    tables = jobs.Tables(load_rules(CONFIG / "scrub"), Gazetteer({}, [], [], "none"))
    out = StringIO()
    settings = settings.model_copy(update={"http": asked})
    job = jobs.Job("run", Dataset(str(tmp_path)), settings, tables, choose([], 1), Console(file=out, width=200))
    profile = Profile(body="div.story-slice", title=".kicker-line", authors=".renamed")
    outlet = Outlet(
        slug="courier", name="Courier", country="GB", language="en", home=web.url("/"), feeds=(web.url("/rss"),),
        profile=profile,
    )  # fmt: skip

    assert jobs.run_feeds(job, [outlet], every_feed=True) == 0

    told = "courier: profile found no authors (1 articles)"
    assert told in out.getvalue()
    (record,) = (tmp_path / "_meta" / "runs").glob("*.json")
    assert Run.model_validate_json(record.read_text()).stale_profiles == [told]
    (report,) = (tmp_path / "_meta" / "runs").glob("*.html")
    assert told in report.read_text()
    files = f"{tmp_path}/articles/date=*/outlet=*/*.parquet"
    rows = duckdb.connect().execute(f"SELECT title, extraction.method FROM read_parquet('{files}')").fetchall()
    assert rows == [("Harbour of Vellin reopens", "profile")]
