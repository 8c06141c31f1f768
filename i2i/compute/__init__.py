"""How networks are computed: in which numbers, and in which form of kernel."""
