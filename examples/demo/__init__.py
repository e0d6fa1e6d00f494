"""A WhatsApp conversation told on the terminal: how a frontend signs in, reads, writes and waits.

It knows Wabase only as a frontend does, through Supabase, and WhatsApp only as a customer does, through a phone:
nothing of the product is imported. Start with story.py; agent.py is what a frontend would copy.
"""
