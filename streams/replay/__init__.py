"""`penstock replay`: decides stored deliveries again with the current code and compares the results."""
