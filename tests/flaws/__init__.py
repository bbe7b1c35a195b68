"""Named flaws, each planted alone in a copy of the project to see that the tests catch it: `make flaws`.

mutmut, cosmic-ray and mutatest generate thousands of small mutants of one function at a time; they plant no flaw that has a name
and a reason ("offsets committed outside the transaction"), nor do they say which of the promises a surviving one breaks.
"""
