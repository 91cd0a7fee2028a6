"""PyTorch as a yardstick of exact search: float32 matmul and topk on a CUDA device. Prints one line of JSON."""

import json
import statistics
import sys
import time

ROUNDS = 5
# Scores held at a time, in floats: the whole matrix would not fit.
MOST_SCORES = 2**30


def main(rows, batch, dim, k, seed):
    try:
        import torch
    except ImportError as error:
        return {"missing": f"this Python has no PyTorch ({error})"}
    if not torch.cuda.is_available():
        return {"missing": f"PyTorch {torch.__version__} finds no CUDA device"}
    torch.manual_seed(seed)
    base = torch.randn(rows, dim, device="cuda")
    queries = torch.randn(batch, dim, device="cuda")
    norms = (base * base).sum(1)
    piece = max(1, min(batch, MOST_SCORES // rows))

    def search():
        for part in queries.split(piece):
            # squared distances but for the query's own term, which changes no order
            scores = torch.addmm(norms, part, base.T, alpha=-2)
            scores.topk(k, dim=1, largest=False)
        torch.cuda.synchronize()

    def median(tf32):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        search()
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            search()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    seconds = {"f32": median(False), "tf32": median(True)}
    device = torch.cuda.get_device_name()
    return {"version": torch.__version__, "device": device, "rows": rows, "batch": batch, "seconds": seconds}


print(json.dumps(main(*map(int, sys.argv[1:]))))
