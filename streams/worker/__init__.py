"""One worker process: consumer, encoder, transaction and commit, with settings, log, health and operations port."""
