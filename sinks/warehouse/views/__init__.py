"""The views that are made beside the tables: those of analysts, and those with other tools' names."""
