"""Process 2: one loop over two queues: sends the outbox, downloads media."""
