"""Tests of Casework, against real servers wherever there is one."""
