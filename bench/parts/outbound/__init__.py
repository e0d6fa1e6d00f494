"""What one run of bench.outbound can measure, a module each."""
