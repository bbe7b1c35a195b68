"""`penstock replay`: decides stored deliveries again with the present code and compares."""
