"""What both doors share: messages, settings, records and stories. See docs/tour.md."""
