"""Images that replace the ones that compose pulls, where no hub can be reached."""
