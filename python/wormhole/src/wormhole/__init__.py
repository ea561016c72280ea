"""Write a Python function, run it inside PostgreSQL."""
