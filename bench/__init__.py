"""Rates and latencies of Penstock, its bare components and its peers, measured in one run. It asserts nothing.

__main__.py        python -m bench [NAME ...] [--quick]

ingress.py         the ingress beside a server that does nothing (bare_server.py): rates, latencies
sustained.py       the largest rate that the ingress holds for a minute
burst.py           five times the rate for ten seconds
endurance.py       ten minutes with Kafka away in the middle: memory, losses
outage.py          how soon decisions resume after Kafka was away
pipeline.py        the worker beside the bare loop and the peers (peer_processes.py: who takes part, and how)
small.py           the peers with one table and one output (small_job.py)
children.py        products with 40 variants, with and without children (families.py)
scaling.py         1, 2, 4 partitions and workers
latency.py         from the answer to a POST until the change is readable
restore.py         the time to restore a worker's tables, and its memory
profile.py         where a delivery's time goes in the worker

job.py             the pipeline's decision in straight code, for bare_loop.py and peers/quix.py; peers/streams/ has it in Java
arrived.py         ids answered beside ids on the topic
outcomes.py        counts the outcomes
fill.py            writes deliveries to the raw topic
rounds.py          watches one contestant
stack.py           Kafka, registry, processes
report.py          results/*.json and *.csv; tables.py for people; plots.py (in .venv-bench) draws them as PNG

Posts, their figures and the deliveries are in `simulator` (load_generator.py, load_figures.py, shop_deliveries.py).
"""
