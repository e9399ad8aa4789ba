"""A worker process of `--workers N`: Beam's own, but silent.

Beam's worker logs every step of its life to the terminal, some of them on import and before it reads any option. What
goes wrong in a worker reaches the run through Beam, which raises it there.
"""

import logging
import sys


def main() -> None:
    """Work until the run has no more to do."""
    terminal = logging.StreamHandler()  # with one of ours in place, Beam sets up none that prints everything
    terminal.setLevel(logging.CRITICAL)
    logging.getLogger().addHandler(terminal)

    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
