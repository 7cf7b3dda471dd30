"""Threads that stay, for work side by side.

Knows nothing of what they do.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread


@functools.cache
def threads(count: int) -> ThreadPoolExecutor:
    """The same for all calls: each new thread would claim memory of its own anew.

    All are started here, and not by the main thread, which is where a signal raises its
    exception: in the midst of a start it would leave a thread that the end of the
    process waits for, for ever, since nothing tells it to end.
    """
    pool = ThreadPoolExecutor(count)
    all_there = Barrier(count)

    def start() -> None:
        try:
            for _ in range(count):
                pool.submit(all_there.wait)  # each on a thread of its own
        except RuntimeError:
            # The system has no more: who needs one is told, and nobody waits for it.
            all_there.abort()

    starter = Thread(target=start)
    starter.start()
    starter.join()
    return pool
