"""HTTP/1.1 and TLS with limits: the framing of requests, connections, memory, the lame-duck phase."""
