"""The BigCommerce store of `penstock up`: the fake API with a few made-up products, as a process of its own.

`address` finds it in the demo's configuration, `contents` is what it begins with, `callbacks` changes it as a callback says,
`journal` keeps the changes over restarts, `app` and `service` serve it, `client` is for who posts its callbacks.
"""
