"""What benches run beside Krait."""
