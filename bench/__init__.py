"""Rates and latencies of Penstock beside the bare parts it is made of and its peers, in one run. It asserts nothing.

__main__.py   python -m bench [NAME ...] [--quick]

ingress.py    the door beside a server that does nothing: rates, latencies     load.py        posts, closed and open loop
sustained.py       the largest rate it holds for a minute                           load_figures.py       the books and
their figures
burst.py      five times the rate for ten seconds                              arrived.py     ids answered, ids on the topic
endurance.py  ten minutes with Kafka away in the middle: memory, losses        deliveries.py  what is posted and read
pipeline.py   the worker beside the bare loop and peers: peer_processes.py        outcomes.py    counts what came out
small.py      the peers with one table and one output (small_job.py)           fill.py        deliveries onto the raw topic
children.py   products with 40 variants, as children and not (families.py)     rounds.py       watches one contestant
scaling.py    1, 2, 4 partitions and workers                                   peer_processes.py who takes part, and how
latency.py    POST answered until the change can be read                       stack.py       Kafka, registry, processes
job.py        the pipeline's decision in straight code, for bare_loop.py and peers/quix.py; peers/streams/ has it in Java
report.py     results/*.json and *.csv; tables.py for people; plots.py (in .venv-bench) draws them as PNG
"""
