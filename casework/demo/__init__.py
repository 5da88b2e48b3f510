"""The whole system on one machine, with real sites and made-up cases: `casework demo`."""
