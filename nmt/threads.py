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
    starter = Thread(
        target=lambda: list(pool.map(lambda _: all_there.wait(), range(count)))
    )
    starter.start()
    starter.join()
    return pool
