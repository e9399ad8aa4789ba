"""The pipelines and the command line: sources, wiring, options and reports."""
