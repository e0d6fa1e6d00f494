"""The simulated WhatsApp: 360dialog's and Meta's HTTP interfaces on one port, as strict and as unkind as the real ones.

It checks what it is sent the way the Cloud API does, reports statuses to the number's webhook, and misbehaves on
demand. Tests and demos steer it under `/_control` (docs/simulated-whatsapp.md). Knows no product code.
"""
