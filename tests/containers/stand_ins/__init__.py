"""Images that stand in for the ones that compose pulls, where no hub can be reached."""
