"""Fault injection: crashes at chosen points, outages, broken networks, full disks."""
