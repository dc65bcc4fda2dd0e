"""The reliability report: what is broken on purpose, and what holds all the same.

`catalogue` lists the experiments, `runner` runs them one by one in a `scene` each, and `page`
writes ``docs/reliability.md``. The program under test is started as its user starts it.
"""
