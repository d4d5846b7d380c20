"""For tests of our own, and of adapters written elsewhere: contract suites, builders, mail, a told clock, servers.

The contract suites, builders and mails need ``pip install 'customerservice[testing]'``.
"""
