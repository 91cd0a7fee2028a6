"""What contenders in Python share: their end of bench/peer.ts, and clocks."""

import gc
import json
import resource
import sys
import time


def serve(contender):
    """Answers every line of standard input until it ends: each operation is a method."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(contender, request.pop("op"))(**request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def sampled(work):
    """What some work takes, in the CPU seconds of all threads of this process too."""
    cpu = time.process_time()
    start = time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - start, "cpuSeconds": time.process_time() - cpu}


def one_by_one(first, count, queries, ask):
    """Seconds of `count` queries asked one by one, from the `first` on, around all of them."""
    seconds = []
    for i in range(first, first + count):
        at = i % len(queries)
        start = time.perf_counter()
        ask(queries[at : at + 1])
        seconds.append(time.perf_counter() - start)
    return seconds
