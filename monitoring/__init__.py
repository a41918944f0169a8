"""What production says of itself: profiles, drift, monitors, alerts, and the triggers of retraining."""
