"""Runs the module for ann-benchmarks as its runner does, on a small set: definitions come from config.yml, the base class is a stub.

Arguments: the folder of the module, and a scratch folder. Prints one JSON line for each fact that the test looks at.
"""

import importlib
import itertools
import json
import os
import pathlib
import shutil
import sys

import numpy as np
import yaml

MODULE, SCRATCH = map(pathlib.Path, sys.argv[1:])
COUNT = 10


def install():
    """The module in a package of the same layout as ann_benchmarks."""
    algorithms = SCRATCH / "ann_benchmarks" / "algorithms"
    (algorithms / "base").mkdir(parents=True)
    (algorithms / "base" / "module.py").write_text("class BaseANN(object):\n    def get_additional(self):\n        return {}\n")
    shutil.copytree(MODULE, algorithms / "isodex")
    sys.path.insert(0, str(SCRATCH))


def options(group):
    """What one position of a list of arguments can be: values, or dictionaries of one value for each key."""
    if isinstance(group, dict):
        keys = list(group)
        values = [group[key] if isinstance(group[key], list) else [group[key]] for key in keys]
        return [dict(zip(keys, chosen)) for chosen in itertools.product(*values)]
    return group if isinstance(group, list) else [group]


def combinations(groups):
    return [list(chosen) for chosen in itertools.product(*map(options, groups))]


def definitions(point_type, distance):
    config = yaml.safe_load((MODULE / "config.yml").read_text())[point_type]
    for algorithm in config.get("any", config.get(distance)):
        for name, group in algorithm["run_groups"].items():
            for arguments in combinations(group.get("arg_groups", group.get("args"))):
                base = [distance if value == "@metric" else value for value in algorithm["base_args"]]
                yield {**algorithm, "group": name, "arguments": base + arguments, "query": combinations(group.get("query_args", []))}


def construct(definition):
    module = importlib.import_module(definition["module"] + ".module")
    return getattr(module, definition["constructor"])(*definition["arguments"])


def distances(distance, rows, query):
    if distance == "angular":
        return 1 - rows @ query / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))
    return np.linalg.norm(rows - query, axis=1)


def recall(distance, rows, queries, results):
    found = 0
    for query, labels in zip(queries, results):
        assert len(labels) == len(set(labels)) <= COUNT
        of_all = distances(distance, rows, query)
        found += sum(of_all[int(label)] <= np.sort(of_all)[COUNT - 1] + 1e-6 for label in labels)
    return found / (COUNT * len(queries))


def tell(**facts):
    print(json.dumps(facts), flush=True)


def run(definition, distance, rows, queries):
    algorithm = construct(definition)
    before = algorithm.get_memory_usage()
    algorithm.fit(rows)
    size = algorithm.get_memory_usage() - before
    for arguments in [definition["query"][0], definition["query"][-1]] if definition["query"][0] else [[]]:
        if arguments:
            algorithm.set_query_arguments(*arguments)
        single = [algorithm.query(query, COUNT) for query in queries]
        algorithm.batch_query(queries, COUNT)
        batch = algorithm.get_batch_results()
        same = all(np.array_equal(one, other) for one, other in zip(single, batch)) and len(batch) == len(queries)
        tell(algorithm=definition["name"], group=definition["group"], name=str(algorithm), arguments=arguments, size=size,
             recall=recall(distance, rows, queries, single), same=same)  # fmt: skip
    child = algorithm.pipe.process
    algorithm.done()
    algorithm.done()
    tell(ended=child.returncode)


def errors(rows):
    module = importlib.import_module("ann_benchmarks.algorithms.isodex.module")
    try:
        module.Isodex("jaccard", "Flat")
    except NotImplementedError as error:
        tell(error=str(error))
    for description, data in ("NSW", rows), ("Flat", np.full((3, 4), np.nan)):
        algorithm = module.Isodex("euclidean", description)
        try:
            algorithm.fit(data)
        except RuntimeError as error:
            tell(error=str(error))
        algorithm.done()
    few = module.Isodex("euclidean", {"index": "Flat"})
    few.fit(rows[:3])
    few.batch_query(rows[:2], COUNT)
    tell(few=[few.query(rows[0], COUNT).tolist(), *(found.tolist() for found in few.get_batch_results())])
    few.done()


def without_direction(rows):
    """Zeros among rows and queries, by angle: left out, and the others keep their numbers."""
    some, queries = rows[:500].copy(), rows[500:520].copy()
    some[[0, 7, 499]] = 0
    queries[3] = 0
    algorithm = importlib.import_module("ann_benchmarks.algorithms.isodex.module").Isodex("angular", "Flat")
    algorithm.fit(some)
    algorithm.batch_query(queries, COUNT)
    results = algorithm.get_batch_results()
    same = all(np.array_equal(algorithm.query(query, COUNT), found) for query, found in zip(queries, results))
    live, asked = np.flatnonzero(some.any(axis=1)), np.flatnonzero(queries.any(axis=1))
    wanted = [live[np.argsort(distances("angular", some[live], queries[i]))[:COUNT]].tolist() for i in asked]
    tell(zeros={"same": same, "exact": wanted == [results[i].tolist() for i in asked], "of zeros": results[3].tolist()})
    algorithm.done()


def main():
    install()
    random = np.random.default_rng(5)
    centers = random.standard_normal((40, 64))
    rows, queries = (centers[random.integers(0, 40, n)] + 0.7 * random.standard_normal((n, 64)) for n in (4200, 50))
    seen = set()
    for distance in "angular", "euclidean":
        for definition in definitions("float", distance):
            tell(defined=str(construct(definition)))
            # Of each group one; the other distance once for each algorithm.
            key = definition["name"] if distance == "euclidean" else (definition["name"], definition["group"])
            if key not in seen:
                run(definition, distance, rows, queries)
            seen.add(key)
    bits = (rows > 0).astype(bool)
    for definition in definitions("bit", "hamming"):
        tell(defined=str(construct(definition)))
    run(next(definitions("bit", "hamming")), "euclidean", bits.astype("f4"), bits[:20].astype("f4"))
    errors(rows)
    without_direction(rows)


main()
