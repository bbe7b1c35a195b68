"""`penstock verify`: whether a captured request is signed correctly and, if not, why."""
