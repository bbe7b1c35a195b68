"""From records of topics to rows of tables: names, columns, cells, batches. Pure."""
