"""What must hold, and what has really happened: each rule in words, checked after every change or at the end."""
