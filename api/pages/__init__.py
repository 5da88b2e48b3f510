"""The page kit: rendering, forms, assets, cache and error pages."""
