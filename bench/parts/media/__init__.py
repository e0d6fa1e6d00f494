"""What one run of bench.media can measure, a module each."""
