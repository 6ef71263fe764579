from . import bench_bare, bench_call
