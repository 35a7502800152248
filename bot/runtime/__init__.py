"""What every process needs: settings, logs, loops, the hash of its code."""
