"""A fake BigCommerce: `fake` has the stores and what their webhooks tell, `routes` the API, `documents` made-up resources."""
