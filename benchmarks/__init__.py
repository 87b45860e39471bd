"""What a scan costs, as ratios against named peers in one run: `python -m benchmarks` (or `make bench`), as root.

Figures are printed, never asserted: docs/performance.md publishes them with the command that gives them.
"""
