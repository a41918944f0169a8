"""`lineal sync`: what earlier jobs could not deliver, sent now."""
