"""What the scripts and the test suites share: paths, a private PostgreSQL, clusters, the laws.

Standard library only, because it runs before the virtual environment exists.
"""
