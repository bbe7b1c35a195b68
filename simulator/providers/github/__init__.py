"""A fake of GitHub's REST API. Public: `GitHubFake`."""

from simulator.providers.github.deliveries import Post
from simulator.providers.github.fake import HOUR_S, TOKEN, GitHubFake, Limit

__all__ = ["HOUR_S", "TOKEN", "GitHubFake", "Limit", "Post"]
