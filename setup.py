"""Packaging. Beam also runs this file: --setup_file=./setup.py builds the sdist its workers install."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGES = ("pipelines", "transforms", "schemas")  # config/ is data, tests/ and benchmarks/ stay in the checkout
CONFIG = [path for path in Path("config").rglob("*") if path.is_file()]

setup(
    name="newsbeam",
    version="0.1.0",
    description="News ingestion on Apache Beam: feeds in, clean, deduplicated, conflict-tagged Parquet out.",
    long_description=Path("README.md").read_text("utf-8") if Path("README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
    package_data={name: ["py.typed"] for name in PACKAGES}
    | {"pipelines": ["py.typed", "templates/*.html"], "transforms": ["py.typed", "**/*.json"]},
    data_files=[
        (str(Path("share/newsbeam") / folder), [str(p) for p in CONFIG if p.parent == folder])
        for folder in sorted({p.parent for p in CONFIG})
    ],
    install_requires=[
        "apache-beam>=2.77,<2.78",
        "pyarrow>=25,<26",  # Beam 2.77 pins pyarrow below 26
        "feedparser>=6.0.11,<7",
        "trafilatura>=2.3,<2.4",
        "lxml>=6.1,<7",
        # trafilatura -> justext asks for lxml's `html-clean` extra; pip 23.2, which comes with Python 3.11, looks for
        # it under another spelling, installs nothing, and `import trafilatura` fails. Asked for by name it is there.
        "lxml_html_clean>=0.4,<1",
        "cssselect>=1.2,<2",  # the selectors of outlets' profiles
        "langdetect>=1.0.9,<2",
        "py3langid>=0.3,<1",
        "aiohttp>=3.14,<4",
        "yarl>=1.18,<2",  # the URLs that aiohttp asks, so that what is checked is what is asked
        "brotli>=1.1,<2",
        "zstandard>=0.25,<1",
        "protego>=0.5,<1",
        "tldextract>=5.3,<6",
        "ahocorasick-rs>=1.0,<2",
        "ftfy>=6.3,<7",
        "wordfreq>=3.1,<4",
        "msgpack>=1.1,<2",  # its lists, read one part at a time
        "numpy>=2.2,<2.5",
        "scipy>=1.15,<2",
        "pydantic>=2.11,<3",
        "typer>=0.20,<1",
        "rich>=14,<16",
        "jinja2>=3.1,<4",
        "warcio>=1.7,<2",
        "duckdb>=1.5,<3",
    ],
    extras_require={
        "postgres": ["psycopg[binary]>=3.2,<4"],  # a state that many machines share
        "iceberg": ["pyiceberg[sql-sqlite,pyarrow,pyiceberg-core]>=0.11,<0.13"],  # newsbeam publish iceberg
        "readers": ["chdb>=4,<5", "pyspark>=4,<5"],  # two more engines for the test of readers; Spark needs Java
        # refitting extraction, and what dedup and tagging are measured beside
        "bench": ["scikit-learn>=1.7,<2", "datasketch>=2,<3", "rensa>=0.5,<0.6", "xxhash>=4,<5", "spacy>=3.8,<4"],
        # the extractors that ours is measured beside; pip 24 or later
        "peers": [
            "newspaper4k>=0.9.6,<0.10",
            "readability-lxml>=0.9,<0.10",
            "news-please>=1.6,<1.7",
            "goose3>=3.1,<3.2",
        ],
        "dask": ["distributed>=2026.1,<2027"],  # newsbeam run -- --runner=DaskRunner
        "dataflow": ["apache-beam[gcp]>=2.77,<2.78"],  # newsbeam run -- --runner=DataflowRunner
        "stream": ["prometheus_client>=0.22,<1"],  # the metrics of `newsbeam stream`
        "dev": [
            "prometheus_client>=0.22,<1",
            "distributed>=2026.1,<2027",
            "psycopg[binary]>=3.2,<4",
            "moto[s3]>=5.1,<6",  # plays Amazon's S3 on loopback; as a server it needs the next two
            "flask>=3,<4",
            "flask-cors>=5,<7",
            "pyiceberg[sql-sqlite,pyarrow,pyiceberg-core]>=0.11,<0.13",
            "pytest>=9,<10",
            "pytest-xdist>=3.6,<4",
            "hypothesis>=6.150",
            "babel>=2.17,<3",  # what countries are called
            "mypy>=2,<3",
            "ruff>=0.14",
            "polars>=2,<3",
            "pandas>=3,<4",
        ],
    },
    entry_points={"console_scripts": ["newsbeam=pipelines.cli:main"]},
    classifiers=["Private :: Do Not Upload"],  # top-level names are generic: an application, not a library for PyPI
)
