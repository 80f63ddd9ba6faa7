"""GitHub: one client per installation, its policy, who we are there, and the sender of everything we write."""
