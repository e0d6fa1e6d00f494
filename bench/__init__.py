"""Measures Wabase from outside: HTTP in, SQL to look. Method and figures in README.md."""
