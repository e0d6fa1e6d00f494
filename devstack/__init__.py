"""The local stand-in for a Supabase project and for WhatsApp.

Real PostgreSQL, PostgREST and Supabase CLI behind one gateway address, with small stand-ins for the services no package
registry has: Auth, Storage, Realtime. Beside them a simulated WhatsApp. Imports no product code; product code never
imports it.
"""
