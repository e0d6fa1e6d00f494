"""The operator's command `wabase`: look, replay, verify. Over store and whatsapp, like the processes."""
