"""The domain: what WhatsApp sends and takes, without a database. Pure except `client`."""
