"""Who somebody is: tokens, and signed links of invitations."""
