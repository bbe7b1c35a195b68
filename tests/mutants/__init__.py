"""Named mutants, each planted alone in a copy of the project to check that the tests catch it: `make mutants`.

mutmut, cosmic-ray and mutatest generate thousands of small mutants of one function at a time. None of them has a name
and a reason ("offsets committed outside the transaction"), and none reports which promise a surviving one breaks.
"""
