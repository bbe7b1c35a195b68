"""Rates and latencies of Penstock beside the bare parts it is made of and its peers, in one run. It asserts nothing.

__main__.py   python -m bench [ingress|pipeline|latency] [--quick]
ingress.py    the door beside a server that does nothing                 load.py      posts, closed and open loop
pipeline.py   the worker beside the bare loop and Quix Streams           deliveries.py  what is posted and read
latency.py    POST answered until the change can be read                 outcomes.py  counts what came out
job.py        the pipeline's decision in straight code, shared by bare_loop.py and peers/quix.py
"""
