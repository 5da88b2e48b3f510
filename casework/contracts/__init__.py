"""What crosses the wire or stays in Temporal's history: frozen models, names of queues, ids and activities."""
