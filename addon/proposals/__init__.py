"""What Skolsynk proposes to the administrator instead of asking. Pure: values in, values out."""
