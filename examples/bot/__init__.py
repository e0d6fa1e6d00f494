"""A bot over supabase-py: reads what customers write, inserts what it answers."""
