"""For tests of our own, and of adapters written elsewhere: contract suites, builders, a told clock, scripted servers.

The contract suites and builders need ``pip install 'customerservice[testing]'``.
"""
