"""What a page shows of a run's file without handing it to the browser as it is. Everything here reads a bounded part and nothing more."""
