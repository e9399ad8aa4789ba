"""A run whose state is in PostgreSQL: the setting alone is enough, and the next run knows what the first did."""

import json
import subprocess
import sys
from pathlib import Path

from pipelines.demo import DemoWeb
from transforms.state import Store

ROOT = Path(__file__).parents[2]


def test_a_run_keeps_its_state_in_the_database_that_the_settings_name(tmp_path: Path, postgres: str) -> None:
    Store(postgres).clear()
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        outlet = web.outlets[0]
        fields = outlet.model_dump(exclude={"slug", "unconfirmed", "note"}, exclude_defaults=True)
        lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
        (tmp_path / "outlets.toml").write_text("\n".join([f"[{outlet.slug}]", *lines]), "utf-8")
        networks = json.dumps(web.allow_networks)
        settings = f"[http]\ngap_s = 0.01\nallow_networks = {networks}\n[write]\nstate = {json.dumps(postgres)}\n"
        (tmp_path / "settings.toml").write_text(settings, "utf-8")
        files = ["--outlets", str(tmp_path / "outlets.toml"), "--settings", str(tmp_path / "settings.toml")]
        command = [sys.executable, "-m", "pipelines.cli", "run", *files, "--output", str(tmp_path / "data")]
        for _ in range(2):
            done = subprocess.run(
                [*command, "--every-feed", "--workers", "2"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    assert len(Store(postgres).applied()) == 2
    assert not list((tmp_path / "data" / "_meta").glob("state.sqlite*"))
    [first, second] = sorted((tmp_path / "data" / "_meta" / "manifests").glob("*.json"))
    counts = [json.loads(path.read_text("utf-8"))["counts"] for path in (first, second)]
    assert counts[0]["articles"] > 0
    assert counts[1]["articles"] == 0
