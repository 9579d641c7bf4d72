"""Thousands of sessions that somebody has tampered with, through everything that reads one."""
