"""The demo: a little shop is applied in one go, and one can watch which pods are held, for how long, and why."""
