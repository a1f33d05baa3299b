"""The benchmarks, one file each. A file's name is its benchmark's name; it holds `BENCHMARK = Benchmark(...)`."""
