"""Dask's LocalCluster with two processes: the same work, one command per line on standard input, seconds on output."""

import json
import sys
import time

from distributed import Client, LocalCluster


def same(n):
    return n


def spin(n):
    end = time.perf_counter() + 0.05
    while time.perf_counter() < end:
        pass
    return n


def main():
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    client = Client(cluster)
    work = {"noop": same, "spin": spin}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        kind, count = line.split()
        count = int(count)
        start = time.perf_counter()
        if kind == "single":
            times = []
            for n in range(count):
                begin = time.perf_counter()
                assert client.submit(same, n, pure=False).result() == n
                times.append(time.perf_counter() - begin)
            seconds = sorted(times)[count // 2]
        else:
            results = client.gather(client.map(work[kind], range(count), pure=False))
            assert results == list(range(count))
            seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds}), flush=True)
    client.close()
    cluster.close()


if __name__ == "__main__":
    main()
