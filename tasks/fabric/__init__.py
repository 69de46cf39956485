"""What leaves are asked, and what their answers mean: the kernel's tables, and the control plane's by any system."""
