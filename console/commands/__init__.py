"""The commands of `penstock`, one file each; every function is imported only when its command runs."""
