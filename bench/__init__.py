"""Rates and latencies of Penstock beside the bare parts it is made of and its peers, in one run. It asserts nothing.

__main__.py   python -m bench [NAME ...] [--quick]

ingress.py    the door beside a server that does nothing: rates, latencies     load.py        posts, closed and open loop
held.py       the largest rate it holds for a minute                           posts.py       the books and their figures
burst.py      five times the rate for ten seconds                              arrived.py     ids answered, ids on the topic
endurance.py  ten minutes with Kafka away in the middle: memory, losses        deliveries.py  what is posted and read
pipeline.py   the worker beside the bare loop and peers: contestants.py        outcomes.py    counts what came out
latency.py    POST answered until the change can be read                       stack.py       Kafka, registry, processes
job.py        the pipeline's decision in straight code, for bare_loop.py and peers/quix.py; peers/streams/ has it in Java
report.py     results/*.json and *.csv; tables.py for people; plots.py (in .venv-bench) draws them as SVG and PNG
"""
