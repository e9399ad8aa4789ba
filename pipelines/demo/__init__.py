"""The demo web: outlets of our own invention, served on loopback over real HTTP.

Its data lie in `config/demo/`: outlets (`web.toml`), stories (Markdown after a TOML head), the words that sites put
around them (`labels.toml`) and the sites' templates. All dates are fixed, so every run meets the same web. It has what
the real one has: wire copies, a correction, a moved page, a missing one, a paywall, a link listed twice, a closed feed,
pages that robots.txt forbids, conditional requests and gzip.
"""

from pipelines.demo.web import DemoWeb, Seen

__all__ = ["DemoWeb", "Seen"]
