"""Process 1: receives webhooks, commits them, answers, then makes rows of them."""
