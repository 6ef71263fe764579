from . import bench_history
