"""Dead letters: what became of each, and the deliveries with which people mend or drop them."""
