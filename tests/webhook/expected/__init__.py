"""What each payload under tests/payloads is in the rows of its number, table by table."""
