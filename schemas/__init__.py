"""What travels between stages, and what is checked before they start. Imports nothing of ours."""
