"""Isodex in ann-benchmarks: a child process, `isodex pipe`, holds the index and is asked over its standard input and output.

The command is `isodex`, or what the environment variable ISODEX_COMMAND says (split like a shell does). ISODEX_THREADS is the number of CPU
threads, 1 by default, as ann-benchmarks measures single queries; batch mode (--batch) may want more.
"""

import json
import os
import shlex
import struct
import subprocess

import numpy as np

from ..base.module import BaseANN

METRICS = {"angular": "cosine", "euclidean": "l2", "hamming": "l2"}
ROWS, BUILD, SEARCH, SETTINGS, INFO = 1, 2, 3, 5, 6
# Rows go over in frames of this size: the child takes 256 MiB at most, and holds a frame twice while it reads.
FRAME_BYTES = 1 << 25


class Pipe:
    """The child process, and one request at a time to it: operation and length, then bytes; the answer alike."""

    def __init__(self, arguments):
        command = shlex.split(os.environ.get("ISODEX_COMMAND", "isodex")) + ["pipe"] + arguments
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.input = self.process.stdin.fileno()
        self.output = self.process.stdout.fileno()

    def ask(self, operation, *parts):
        length = sum(memoryview(part).nbytes for part in parts)
        head = struct.pack("<II", operation, length)
        if length < 65536:
            self._send(b"".join([head, *(memoryview(part).cast("B") for part in parts)]))
        else:
            self._send(head)
            for part in parts:
                self._send(part)
        status, length = struct.unpack("<II", self._receive(8))
        answer = self._receive(length)
        if status != 0:
            raise RuntimeError("isodex: " + answer.decode())
        return answer

    def _send(self, part):
        view = memoryview(part).cast("B")
        try:
            while view.nbytes > 0:
                view = view[os.write(self.input, view) :]
        except BrokenPipeError:
            raise RuntimeError(self._ended()) from None

    def _receive(self, length):
        answer = bytearray()
        while len(answer) < length:
            piece = os.read(self.output, length - len(answer))
            if not piece:
                raise RuntimeError(self._ended())
            # Nearly always everything is there at once.
            if len(piece) == length:
                return piece
            answer += piece
        return answer

    def _ended(self):
        return f"isodex ended early, with exit code {self.process.wait()}; what it said is above"

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Isodex(BaseANN):
    """Any index by its description: Isodex("angular", {"index": "HNSW16", "ef_construction": 200}).

    Every other key is an option of `isodex pipe`. QUERY names what set_query_arguments takes, in its order.
    """

    QUERY = ()

    def __init__(self, metric, params):
        if metric not in METRICS:
            raise NotImplementedError(f"Isodex does not support the metric {metric}")
        self.metric = METRICS[metric]
        self.params = {"index": params} if isinstance(params, str) else dict(params)
        self.settings = {}
        self.pipe = None
        self.results = None
        # Numbers of the rows in the index, where some were left out.
        self.kept = None

    def fit(self, X):
        rows = np.ascontiguousarray(X, dtype="<f4")
        options = {"metric": self.metric, "dim": rows.shape[1], "threads": os.environ.get("ISODEX_THREADS", "1"), **self.params}
        arguments = [text for name, value in options.items() for text in ("--" + name.replace("_", "-"), str(value))]
        self.done()
        rows = self._keep(rows)
        self.pipe = Pipe(arguments)
        step = max(1, FRAME_BYTES // (4 * rows.shape[1]))
        for start in range(0, len(rows), step):
            self.pipe.ask(ROWS, rows[start : start + step])
        self.pipe.ask(BUILD)
        self._apply()

    def _keep(self, rows):
        """Rows of zeros, which some sets have, have no direction: by angle they are never found."""
        has_direction = rows.any(axis=1) if self.metric == "cosine" else np.array(True)
        self.kept = None if has_direction.all() else np.flatnonzero(has_direction).astype("<i4")
        return rows if self.kept is None else rows[self.kept]

    def set_query_arguments(self, *values):
        if len(values) != len(self.QUERY):
            raise ValueError(f"{type(self).__name__} takes {len(self.QUERY)} query arguments ({', '.join(self.QUERY)}), not {len(values)}")
        self.settings = dict(zip(self.QUERY, values))
        self._apply()

    def _apply(self):
        """0 leaves a setting to the index."""
        if self.pipe and self.settings:
            ef, nprobe, factor = (self.settings.get(name, 0) for name in ("ef_search", "nprobe", "refine_factor"))
            self.pipe.ask(SETTINGS, struct.pack("<IIf", ef, nprobe, factor))

    def query(self, q, n):
        query = np.ascontiguousarray(q, dtype="<f4")
        if self.metric == "cosine" and not query.any():
            return np.empty(0, dtype="<i4")
        return self._named(np.frombuffer(self.pipe.ask(SEARCH, struct.pack("<I", n), query), dtype="<i4"))

    def _named(self, labels):
        """Without what pads where fewer were found: -1, always at the end."""
        found = labels if labels[-1] >= 0 else labels[labels >= 0]
        return found if self.kept is None else self.kept[found]

    def batch_query(self, X, n):
        queries = np.array(X, dtype="<f4", order="C")
        directionless = ~queries.any(axis=1) if self.metric == "cosine" else np.zeros(len(queries), dtype=bool)
        queries[directionless] = 1
        # Answers stay far below the 4 GiB that a frame can say.
        step = max(1, FRAME_BYTES // (4 * max(n, queries.shape[1])))
        answers = [self.pipe.ask(SEARCH, struct.pack("<I", n), queries[start : start + step]) for start in range(0, len(queries), step)]
        labels = np.concatenate([np.frombuffer(answer, dtype="<i4") for answer in answers]).reshape(-1, n)
        labels[directionless] = -1
        self.results = labels

    def get_batch_results(self):
        return [self._named(row) for row in self.results]

    def get_memory_usage(self):
        """Kilobytes of the child process; before it was started, none."""
        return json.loads(self.pipe.ask(INFO))["processBytes"] / 1024 if self.pipe else 0

    def done(self):
        if self.pipe:
            self.pipe.close()
            self.pipe = None

    def __str__(self):
        said = {key: value for key, value in {**self.params, **self.settings}.items() if key != "index"}
        return f"Isodex({', '.join([self.params['index'], *(f'{key}={value}' for key, value in said.items())])})"


class IsodexHnsw(Isodex):
    QUERY = ("ef_search",)


class IsodexIvf(Isodex):
    QUERY = ("nprobe",)


class IsodexOpqHnsw(Isodex):
    QUERY = ("ef_search", "refine_factor")
