"""What one run can measure, a module each: `measure(stand)` gives an Outcome."""
