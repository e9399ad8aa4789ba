"""Run newsbeam once over the outlets of a test web's manifest, into a dataset; called again it is the next scheduled run.

    python -m benchmarks.chaos_run MANIFEST OUT [--workers N]

The manifest is JSON with `outlets`: `name`, `feed_url`, `home_url`. Loopback is allowed for 127.0.1.0/24 only, with a gap
of 0.2 s and two connections a host; every feed is polled, due or not, and pages whose feed dates nothing are asked again
after half a minute.
"""

import argparse
import json
import tempfile
from pathlib import Path

from pipelines import cli

SETTINGS = """\
[http]
allow_networks = ["127.0.1.0/24"]
gap_s = 0.2
host_concurrency = 2

[poll]
recheck_s = 30
"""


def outlets_toml(manifest: Path) -> str:
    """Return an outlets file for the outlets of a manifest; strings are written as JSON, which TOML reads alike."""
    tables = []
    for outlet in json.loads(manifest.read_text("utf-8"))["outlets"]:
        fields = {"name": outlet["name"], "country": "XX", "language": "en", "home": outlet["home_url"]}
        lines = [f"[{outlet['name']}]", *(f"{key} = {json.dumps(value)}" for key, value in fields.items())]
        tables.append("\n".join([*lines, f"feeds = [{json.dumps(outlet['feed_url'])}]"]))
    return "\n\n".join(tables) + "\n"


def main() -> int:
    """Return the exit code of `newsbeam run`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("out")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outlets, settings = Path(folder, "outlets.toml"), Path(folder, "settings.toml")
        outlets.write_text(outlets_toml(args.manifest), "utf-8")
        settings.write_text(SETTINGS, "utf-8")
        command = ["run", "--outlets", str(outlets), "--settings", str(settings), "--output", args.out, "--every-feed"]
        return cli.main([*command, "--workers", str(args.workers)])


if __name__ == "__main__":
    raise SystemExit(main())
