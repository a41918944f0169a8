"""What an artifact path may look like."""
