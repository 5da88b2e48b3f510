"""One router per noun. A route translates HTTP into a question or an act, and decides nothing."""
