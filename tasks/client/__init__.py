"""What probe hosts are asked, and how their answers are parsed."""
