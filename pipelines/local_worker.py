"""A worker process of the local runner: Beam's own, without its log of starting and stopping.

What a worker has to warn of still reaches the command, through Beam's logging service.
"""

import logging
import sys

if __name__ == "__main__":
    # With a handler in place, Beam's first log call puts none on the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)
