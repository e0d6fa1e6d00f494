"""The only door to Supabase: functions by name, files, the doorbell. Takes and gives plain values."""
