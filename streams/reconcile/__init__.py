"""Compares providers' lists with what is stored, and has read what is newer there or unknown here: what webhooks missed."""
