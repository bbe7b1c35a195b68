"""Registrations of webhooks at the providers: what is desired, what is there, the plan between both, and its application."""
