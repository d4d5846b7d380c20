"""The demonstration: sample mail, the mail servers it comes from and goes to, and the story told with them."""
