"""One worker process: consumer, encoder, transaction, commit; its settings, log, health and operations port."""
