from . import bench_call
