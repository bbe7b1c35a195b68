"""Named mutants, each planted alone in a copy of the project to see that the tests catch it: `make mutants`.

mutmut, cosmic-ray and mutatest generate thousands of small mutants of one function at a time. None of them has a name
and a reason ("offsets committed outside the transaction"), and none says which of the promises a surviving one breaks.
"""
