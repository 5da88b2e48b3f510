"""Notices: who is told what, in which words, and how a message leaves."""
