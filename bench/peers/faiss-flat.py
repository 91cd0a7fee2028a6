"""FAISS as a contender of the flat bench: IndexFlatL2, or IndexFlatIP on normalised rows (cosine)."""

import resource
import time

import faiss
import numpy as np
from serving import one_by_one, resident, sampled, serve

default_threshold = faiss.cvar.distance_compute_blas_threshold


class Contender:
    def open(self, threads):
        faiss.omp_set_num_threads(threads)
        return {
            "faiss": faiss.__version__,
            "compileOptions": faiss.get_compile_options().strip(),
            "numpy": np.__version__,
            "threads": faiss.omp_get_max_threads(),
        }

    def build(self, base, queries, dim, metric, k):
        self.k = k
        self.metric = metric
        self.queries = np.fromfile(queries, np.float32).reshape(-1, dim)
        self.index = faiss.IndexFlatL2(dim) if metric == "l2" else faiss.IndexFlatIP(dim)
        before = resident()
        rows = np.fromfile(base, np.float32).reshape(-1, dim)
        start = time.perf_counter()
        self.index.add(rows)
        add = time.perf_counter() - start
        memory = {"originals": rows.nbytes}
        del rows
        built = resident()
        return {"add": add, "prepare": 0, "rssBefore": before, "rssBuilt": built, "memory": memory, "note": self.choose()}

    def choose(self):
        """FAISS takes BLAS only for batches of some size, which is not always the faster way: time both, keep the better."""
        self.threshold = default_threshold
        if self.queries.size >= default_threshold:
            return f"distance_compute_blas_threshold {default_threshold}, its default: this batch passes it"
        times = {}
        for name, threshold in (("default", default_threshold), ("BLAS", 1)):
            faiss.cvar.distance_compute_blas_threshold = threshold
            times[name] = min(self.search()["seconds"] for _ in range(2))
        best = min(times, key=times.get)
        self.threshold = default_threshold if best == "default" else 1
        faiss.cvar.distance_compute_blas_threshold = self.threshold
        tried = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in times.items())
        return f"distance_compute_blas_threshold {self.threshold} (tried: {tried})"

    def search(self):
        return sampled(self.run)

    def run(self):
        self.distances, self.labels = self.index.search(self.queries, self.k)

    def single(self, first, count):
        faiss.cvar.distance_compute_blas_threshold = default_threshold
        seconds = one_by_one(first, count, self.queries, lambda query: self.index.search(query, self.k))
        faiss.cvar.distance_compute_blas_threshold = self.threshold
        return {"seconds": seconds}

    def answers(self, labels, distances):
        self.labels.astype(np.int32).tofile(labels)
        (self.distances if self.metric == "l2" else 1 - self.distances).astype(np.float32).tofile(distances)
        return {}

    def memory(self):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"rss": resident(), "peak": peak, "memory": {}}


serve(Contender())
