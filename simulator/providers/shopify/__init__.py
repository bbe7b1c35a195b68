"""A fake of Shopify's GraphQL Admin API. Public: `fake.ShopifyFake`."""
