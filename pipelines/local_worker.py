"""A worker process of the local runner: Beam's own, without its log of starting and stopping.

What a worker has to warn of still reaches the command, through Beam's logging service. A worker
ends with the command: were it to write on after a command that was killed, it would write into what
the next one does.
"""

import logging
import os
import sys
import threading
import time

WATCH_SECONDS = 0.2
"""How often a worker looks whether its command is still there: a command takes longer to start."""


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    parent = os.getppid()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # With a handler in place, Beam's first log call puts none on the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)
