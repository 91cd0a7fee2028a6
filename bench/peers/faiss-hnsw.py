"""FAISS as a contender of the hnsw bench: IndexHNSWFlat and IndexHNSWSQ, under inner product on normalised rows (cosine)."""

import faiss
import numpy as np
from serving import one_by_one, resident, sampled, serve


class Contender:
    def open(self, threads, kind):
        faiss.omp_set_num_threads(threads)
        self.threads = threads
        self.kind = kind
        return {"version": faiss.__version__, "kind": kind, "compiled": faiss.get_compile_options().strip()}

    def build(self, base, dim, metric, description, efConstruction, path):
        rows = np.fromfile(base, np.float32).reshape(-1, dim)
        self.index, note = self.empty(rows, int(description.removeprefix("HNSW")), faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = efConstruction
        sample = sampled(lambda: self.fill(rows))
        faiss.write_index(self.index, path)
        return {**sample, "threads": self.threads, "note": note}

    def empty(self, rows, m, metric):
        dim = rows.shape[1]
        if self.kind == "flat":
            return faiss.IndexHNSWFlat(dim, m, metric), None
        # on whole numbers from 0 to 255 its direct codes lose nothing and are as fast
        direct = bool(((rows >= 0) & (rows <= 255) & (rows == np.floor(rows))).all())
        codes = faiss.ScalarQuantizer.QT_8bit_direct if direct else faiss.ScalarQuantizer.QT_8bit
        return faiss.IndexHNSWSQ(dim, codes, m, metric), "QT_8bit_direct" if direct else "QT_8bit"

    def fill(self, rows):
        self.index.train(rows)
        self.index.add(rows)

    def load(self, path, queries, k, dim, **_):
        self.queries = np.fromfile(queries, np.float32).reshape(-1, dim)
        self.k = k
        before = resident()
        self.index = faiss.read_index(path)
        return {"rssBefore": before, "rss": resident()}

    def search(self, setting):
        self.index.hnsw.efSearch = setting["efSearch"]
        return sampled(self.run)

    def run(self):
        _, self.labels = self.index.search(self.queries, self.k)

    def single(self, setting, first, count):
        self.index.hnsw.efSearch = setting["efSearch"]
        return {"seconds": one_by_one(first, count, self.queries, lambda query: self.index.search(query, self.k))}

    def answers(self, labels):
        self.labels.astype(np.int32).tofile(labels)
        return {}


serve(Contender())
