"""What the community says about a site: the notice, the form, its receipt."""
