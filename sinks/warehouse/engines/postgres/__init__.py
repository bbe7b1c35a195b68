"""PostgreSQL as the warehouse: batches by COPY and ON CONFLICT, with their offsets in one transaction."""
