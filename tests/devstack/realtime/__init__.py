"""Contract of Realtime: one list of scenarios, told to clients nobody here wrote."""
