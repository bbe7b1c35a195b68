"""Where rows are kept: one class per engine behind `engine.Warehouse`."""
