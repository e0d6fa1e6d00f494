"""An inbox in the browser, and the server that shows it beside a customer's phone in the demo.

The page itself is TypeScript (src/): it knows Wabase through Supabase alone.
"""
