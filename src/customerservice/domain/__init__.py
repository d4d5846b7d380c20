"""What a help desk is: values and rules, on attrs and the standard library only."""
