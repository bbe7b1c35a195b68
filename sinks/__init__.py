"""What follows the change topics: the warehouse for analysts."""
