"""The operator's view: the `penstock` command and, later, the web page."""
